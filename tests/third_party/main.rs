//! The real program and the sandbox against programs that are not ours: moto, a KMS server, microburst, a proxy
//! that fails what passes through it, the AWS CLI, and GitHub's own parser of Markdown.
//!
//! `python3 tests/run.py` installs them and runs this; plain `cargo test` leaves it out. What a command did is asked of the
//! server by other means than the program itself.

mod aws_cli;
#[path = "../suite/contract.rs"]
mod contract;
mod contract_on_moto;
mod iam;
mod import;
mod markdown;
mod microburst;
mod moto;
mod on_faulty_moto;
mod on_moto;
mod organization;
mod processes;
mod raw;
mod reports;
