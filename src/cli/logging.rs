//! `-v`: what happens underneath, on stderr. Without it nothing is logged: what a user must know is in the plan and the report.

use tracing_subscriber::EnvFilter;

/// Begins logging for the process; the second run in one process, as in tests, keeps the first one's
pub fn begin(verbose: u8, colour: bool) {
    let filter = match verbose {
        0 => return,
        1 => "kms_alias=debug",
        _ => "kms_alias=trace,aws_config=debug,aws_smithy_runtime=debug",
    };
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(colour);
    let _ = log.with_env_filter(EnvFilter::new(filter)).without_time().try_init();
}
