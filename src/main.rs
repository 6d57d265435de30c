//! The binary: streams, signals and the runtime, around [`kms_alias::cli::run`].

use std::io::{IsTerminal, Write, stderr, stdin, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use kms_alias::cli::completions;
use kms_alias::cli::console::{Console, Ends};
use kms_alias::cli::exit::Exit;
use kms_alias::cli::job::{Job, variable};
use kms_alias::cli::run;
use kms_alias::cli::stop::Stop;
use kms_alias::kms::connect::AwsConnect;
use kms_alias::poll::wait;
use terminal_size::{Width, terminal_size_of};
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    if let Some(shell) = variable(completions::VARIABLE) {
        return answer(&shell);
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(_) => return ExitCode::FAILURE,
    };
    let exit = runtime.block_on(supervised());
    // A prompt that nobody answered still waits for its line; nothing else is under way.
    runtime.shutdown_background();
    ExitCode::from(exit.code())
}

/// A shell asks how a word goes on; one that is not known gets no answer
fn answer(shell: &str) -> ExitCode {
    let files = variable("KMS_ALIAS_FILE");
    let Some(answer) = completions::complete(shell, std::env::args_os().collect(), files.as_deref()) else {
        return ExitCode::FAILURE;
    };
    match stdout().write_all(&answer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Runs the command line; the first signal asks it to stop, the second one does not ask
async fn supervised() -> Exit {
    let stop = Arc::new(Stop::default());
    survive_full_files();
    if let Ok(signals) = Signals::new() {
        tokio::spawn(listen(signals, stop.clone()));
    }
    let input = std::io::BufReader::new(stdin());
    let console = Console::new(stdout(), stderr(), input, ends());
    run(std::env::args_os(), &console, &stop, AwsConnect::new).await
}

fn ends() -> Ends {
    Ends {
        answers: stdin().is_terminal(),
        out_colour: colour(stdout().is_terminal() && !is_dumb()),
        err_colour: colour(stderr().is_terminal() && !is_dumb()),
        out_columns: terminal_size_of(stdout()).map(|(Width(columns), _)| columns.into()),
        out_links: supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout),
        err_columns: terminal_size_of(stderr()).map(|(Width(columns), _)| columns.into()),
        err_redraws: stderr().is_terminal() && !is_dumb() && !is_job(),
        job: Job::around(variable),
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

/// A CI job, as all that run them say: every drawing would be kept in its log
fn is_job() -> bool {
    variable("CI").is_some_and(|value| !["", "0", "false"].contains(&&*value))
}

/// A terminal that knows of nothing but letters, or that does not say what it is; that of Windows never says
fn is_dumb() -> bool {
    variable("TERM").map_or(cfg!(unix), |term| term.is_empty() || term == "dumb")
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

/// Asks to stop at the first signal, and ends the program at the second, or once nobody is left who heeds the first
async fn listen(mut signals: Signals, stop: Arc<Stop>) {
    let exit = signals.next().await;
    let heeded = stop.is_heeded();
    stop.ask(exit);
    let exit = tokio::select! {
        again = signals.next() => again,
        () = forsaken(&stop, heeded) => exit,
    };
    std::process::exit(exit.code().into());
}

/// Waits until nothing has looked for the request to stop for a while: what then goes on may be reading or printing without end
async fn forsaken(stop: &Stop, heeded: bool) {
    /// For what was about to end, or to look
    const MOMENT: Duration = Duration::from_millis(100);
    /// For the report of what was stopped, if somebody reads it
    const REPORT: Duration = Duration::from_secs(3);
    let grace = if heeded { REPORT } else { MOMENT };
    loop {
        stop.unheeded().await;
        wait(grace, &CancellationToken::new()).await;
        if !stop.is_heeded() {
            return;
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate })
    }

    async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Exit {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Exit::Interrupted,
            Err(_) => std::future::pending().await,
        }
    }
}
