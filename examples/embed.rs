//! The library without the command line: what would an apply do to one account and Region? Run it against the sandbox:
//! `cargo run --example embed`

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use kms_alias::fleet::survey;
use kms_alias::kms::connect::{AwsConnect, Options};
use kms_alias::load::{Input, load};
use kms_alias::plan::Policy;
use kms_alias::sandbox::{Scenario, start};
use kms_alias::target::targets;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Against AWS, leave the sandbox out and take `Options::default()`.
    let sandbox = start(None, Scenario::default(), 0).await?;
    let options = Options { endpoint_url: Some(sandbox.endpoint_url()), sandbox: true, ..Options::default() };

    let manifest = load(&[Input::Path("aliases.yaml".into())])?;
    let targets = targets(&manifest).into_iter();
    let planned = targets.map(|target| (target.clone(), Policy::of(&target))).collect();
    for one in survey(planned, &AwsConnect::new(options), 10, &|_| ()).await {
        let plan = one.prepared.map_err(|trouble| trouble.sentence)?.plan;
        println!(
            "{}: {} to write, {} held, {} in sync",
            one.target.name,
            plan.changes.len(),
            plan.held.len(),
            plan.in_sync
        );
    }
    Ok(())
}
