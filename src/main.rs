//! The binary: streams, signals and the runtime, around [`kms_alias::cli::run`].

use std::io::{IsTerminal, stderr, stdin, stdout};
use std::process::ExitCode;
use std::sync::Arc;

use kms_alias::cli::console::{Console, Ends};
use kms_alias::cli::exit::Exit;
use kms_alias::cli::run;
use kms_alias::cli::stop::Stop;
use kms_alias::kms::connect::AwsConnect;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(_) => return ExitCode::FAILURE,
    };
    let exit = runtime.block_on(supervised());
    // A prompt that nobody answered still waits for its line; nothing else is under way.
    runtime.shutdown_background();
    ExitCode::from(exit.code())
}

/// Runs the command line; the first signal asks it to stop, the second one does not ask
async fn supervised() -> Exit {
    let stop = Arc::new(Stop::default());
    survive_full_files();
    tokio::spawn(listen(stop.clone()));
    let input = std::io::BufReader::new(stdin());
    let console = Console::new(stdout(), stderr(), input, ends());
    run(std::env::args_os(), &console, &stop, AwsConnect::new).await
}

fn ends() -> Ends {
    Ends {
        answers: stdin().is_terminal(),
        out_colour: colour(stdout().is_terminal()),
        err_colour: colour(stderr().is_terminal()),
        err_redraws: stderr().is_terminal(),
    }
}

/// `NO_COLOR`, then `CLICOLOR_FORCE` and `FORCE_COLOR`, then the terminal
fn colour(terminal: bool) -> bool {
    let forced = is_set("CLICOLOR_FORCE") || is_set("FORCE_COLOR");
    !is_set("NO_COLOR") && (forced || terminal)
}

/// Set to anything but nothing or 0 (<https://no-color.org>, <https://bixense.com/clicolors>)
#[expect(clippy::disallowed_methods, reason = "the conventions for colour are environment variables")]
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0")
}

/// Makes a limit on the size of files (`ulimit -f`) an error of the write that reaches it, as a full disk is: by itself its signal
/// ends the program, and so could leave a name deleted that was to be made again
#[cfg(unix)]
fn survive_full_files() {
    use tokio::signal::unix::{SignalKind, signal};
    /// On Linux and on macOS (<https://man7.org/linux/man-pages/man7/signal.7.html>)
    const SIGXFSZ: SignalKind = SignalKind::from_raw(25);
    // A signal that is listened to ends nothing, for as long as the process lives; where that fails, it is as it was.
    let _ = signal(SIGXFSZ);
}

#[cfg(not(unix))]
fn survive_full_files() {}

#[cfg(unix)]
async fn listen(stop: Arc<Stop>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    loop {
        let exit = tokio::select! {
            _ = interrupt.recv() => Exit::Interrupted,
            _ = terminate.recv() => Exit::Terminated,
        };
        if stop.is_cancelled() {
            std::process::exit(exit.code().into());
        }
        stop.ask(exit);
    }
}

#[cfg(not(unix))]
async fn listen(stop: Arc<Stop>) {
    while tokio::signal::ctrl_c().await.is_ok() {
        if stop.is_cancelled() {
            std::process::exit(Exit::Interrupted.code().into());
        }
        stop.ask(Exit::Interrupted);
    }
}
