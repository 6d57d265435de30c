//! The command line.

mod command;
mod comment;
pub(in crate::cli) mod environment;
mod examples;
mod import;
mod init;
mod list;
mod plans;
mod report;
mod shell;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::parallelism;
use crate::access::PoliciesOf;
use crate::duration;
use crate::kms::endpoint;
use crate::permissions::Purpose;
use crate::sandbox::Flags;
use crate::shard::Shard;
pub(super) use command::{command, parse};
pub use comment::CommentArgs;
pub(super) use import::prefix;
pub(in crate::cli) use import::region;
pub use import::{ImportArgs, PlacesArgs};
pub use init::InitArgs;
pub use list::ListArgs;
pub use plans::{
    ApplyArgs, DriftArgs, GuardArgs, OnStale, PlanArgs, PlanningArgs, RevertArgs, ShowArgs, WritingArgs,
};
pub use report::ReportFile;
pub use shell::{CompletionsArgs, ManArgs};

/// Reconcile AWS KMS aliases with a manifest: plan shows the difference, apply makes it so and waits until the service shows it
#[derive(Debug, Parser)]
#[command(name = "kms-alias", version, propagate_version = true, max_term_width = 100, after_long_help = examples::PROGRAM)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
    /// For every command
    #[command(flatten)]
    pub global: Global,
}

/// The commands
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Begin: ask what is yours, make a manifest of what is live, and show its first plan, which has nothing to do; --ci github or gitlab adds the files of that CI system. Writes no alias
    #[command(after_long_help = examples::INIT)]
    Init(InitArgs),
    /// Check the manifest, offline: every problem at once, no credentials needed
    #[command(after_long_help = examples::VALIDATE)]
    Validate,
    /// Show what apply would do; writes nothing
    #[command(after_long_help = examples::PLAN)]
    Plan(PlanningArgs),
    /// Plan, ask, carry out that plan, and wait until the service shows the result
    #[command(after_long_help = examples::APPLY)]
    Apply(ApplyArgs),
    /// Look for drift: exit 2 if anything is not as declared, or on a key that cannot be used; silent if nothing is; writes no alias
    #[command(after_long_help = examples::DRIFT)]
    Drift(DriftArgs),
    /// Take back what an apply is proven to have done, where nobody has changed it since: a plan like any other, guarded and asked about
    #[command(after_long_help = examples::REVERT)]
    Revert(RevertArgs),
    /// Render a saved plan or a receipt: what an apply would do, or did, and what it cannot tell; offline
    #[command(after_long_help = examples::SHOW)]
    Show(ShowArgs),
    /// Show a plan, a receipt or a failure in one comment on the pull request or merge request, edited in place
    #[command(after_long_help = examples::COMMENT)]
    Comment(CommentArgs),
    /// List the live aliases in scope: key, its state, and what the manifest makes of each; writes nothing
    #[command(after_long_help = examples::LIST)]
    List(ListArgs),
    /// Make a manifest of live aliases, or add them to one, so that its plan is empty; writes no alias
    #[command(after_long_help = examples::IMPORT)]
    Import(ImportArgs),
    /// Tell what decides about an alias: the lines of the manifest, the key, what a plan would do; writes nothing
    #[command(after_long_help = examples::EXPLAIN)]
    Explain(ExplainArgs),
    /// Look at credentials, identity, clock, endpoint and permissions of every target; writes nothing
    #[command(after_long_help = examples::DOCTOR)]
    Doctor(DoctorArgs),
    /// Print the least-privilege IAM policy for this manifest, offline
    #[command(after_long_help = examples::IAM_POLICY)]
    IamPolicy(IamPolicyArgs),
    /// Write the files of the manifest as everybody writes them; comments stay, and what they say stays the same
    #[command(after_long_help = examples::FMT)]
    Fmt(FmtArgs),
    /// Print the JSON Schema of the manifest, for editors; with -o markdown its reference, for people
    #[command(after_long_help = examples::SCHEMA)]
    Schema,
    /// Run the embedded KMS as a server on loopback, for any client
    #[command(after_long_help = examples::SANDBOX)]
    Sandbox(SandboxArgs),
    /// Print what completes commands, flags, and the targets and aliases of the manifest in a shell
    #[command(after_long_help = examples::COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each command
    #[command(after_long_help = examples::MAN)]
    Man(ManArgs),
}

/// Flags that every command takes, before or after its name
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// Manifest, or directory of manifests; - is stdin; may be repeated [default: aliases.yaml, else aliases/]
    #[arg(
        short,
        long = "file",
        value_name = "PATH",
        global = true,
        env = "KMS_ALIAS_FILE",
        hide_env = true,
        value_delimiter = ','
    )]
    pub file: Vec<PathBuf>,

    /// Only these targets: a name, a glob over names, or @GROUP; may be repeated
    #[arg(short, long = "target", value_name = "NAME|GLOB|@GROUP", global = true)]
    pub target: Vec<String>,

    /// Only a part of the targets, the I-th of N counted from 0, by their accounts: for a job of N runs of the same manifest
    #[arg(long, value_name = "I/N", value_parser = Shard::parse, global = true, env = "KMS_ALIAS_SHARD", hide_env = true)]
    pub shard: Option<Shard>,

    /// Form of what stdout carries
    #[arg(
        short,
        long,
        value_enum,
        default_value_t,
        global = true,
        env = "KMS_ALIAS_OUTPUT",
        hide_env = true
    )]
    pub output: Output,

    /// Write a report of plan, apply, drift or revert as well, however it ends; in its own format and file; may be repeated
    #[arg(long, value_name = "FORMAT=PATH", value_parser = ReportFile::parse, global = true)]
    pub report: Vec<ReportFile>,

    /// Use the embedded KMS instead of AWS; with a file, its state survives the run
    #[arg(long, value_name = "STATE", num_args = 0..=1, require_equals = true, global = true)]
    pub sandbox: Option<Option<PathBuf>>,

    /// When to colour
    #[arg(long, value_enum, default_value_t, global = true, env = "KMS_ALIAS_COLOR", hide_env = true)]
    pub color: Color,

    /// No progress and no warnings on stderr
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Log every request on stderr; twice for what the SDK does with it
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,

    /// Form of what stderr carries: lines for people, or one JSON object a line
    #[arg(long, value_enum, default_value_t, global = true, env = "KMS_ALIAS_LOG_FORMAT", hide_env = true)]
    pub log_format: LogFormat,

    /// Never ask anything
    #[arg(long, global = true, value_parser = environment::switch, env = "KMS_ALIAS_NO_INPUT", hide_env = true)]
    pub no_input: bool,

    /// Targets to read at once: by default ten for each core, up to 64, or what the limit of open files leaves; ten times as many are
    /// written to, since each mostly waits for its rates and for what replicas show
    #[arg(
        long,
        value_name = "N",
        default_value_t = parallelism::fitting(),
        hide_default_value = true, // it is the machine's, and help is the same everywhere
        global = true,
        env = "KMS_ALIAS_PARALLELISM",
        hide_env = true
    )]
    pub parallelism: usize,

    /// The longest that one request to the service may take, its retries included; how long apply waits for a result is --wait-timeout
    #[arg(
        long,
        value_name = "TIME",
        default_value = "60s",
        value_parser = duration::positive,
        global = true,
        env = "KMS_ALIAS_TIMEOUT",
        hide_env = true
    )]
    pub timeout: Duration,

    /// Whose CI job to tell what came of it: annotations, step summary and outputs at GitHub, sections of the log at GitLab
    #[arg(long, value_enum, default_value_t, global = true, env = "KMS_ALIAS_CI", hide_env = true)]
    pub ci: Ci,

    /// Endpoint for KMS, STS, IAM and CloudTrail, instead of AWS's own
    #[arg(
        long,
        value_name = "URL",
        value_parser = endpoint::parse,
        global = true,
        env = "KMS_ALIAS_ENDPOINT_URL",
        hide_env = true
    )]
    pub endpoint_url: Option<String>,

    /// Profile of the shared AWS configuration, before those of the manifest
    #[arg(long, global = true, env = "KMS_ALIAS_PROFILE", hide_env = true)]
    pub profile: Option<String>,

    /// Region, where the manifest names none
    #[arg(long, value_parser = region, global = true, env = "KMS_ALIAS_REGION", hide_env = true)]
    pub region: Option<String>,

    /// How the sandbox is to misbehave
    #[command(flatten, next_help_heading = "Sandbox that misbehaves on purpose")]
    pub misbehaviour: Flags,

    /// There is no such flag; it is here to say so
    #[arg(long, hide = true, global = true)]
    pub force: bool,
}

/// Forms of output
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    #[default]
    Text,
    /// A unified diff of the live state against the desired one, as manifest YAML
    Diff,
    /// One JSON document
    Json,
    /// Markdown, as of a comment on a pull request
    Markdown,
    /// Events as they happen, one JSON object a line
    Ndjson,
    /// One page that needs nothing else
    Html,
    /// A line for each alias, in columns
    Tsv,
}

impl Output {
    /// Whether stdout is for a program: no plan is shown before the question, since it is whole only at the end
    pub fn is_document(self) -> bool {
        !matches!(self, Self::Text | Self::Diff)
    }
}

/// Forms of what stderr carries
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// For a collector of logs
    Json,
}

/// Whose CI job it is
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Ci {
    /// As the environment says
    #[default]
    Auto,
    /// GitHub Actions
    Github,
    /// GitLab CI
    Gitlab,
    /// Nobody's
    None,
}

/// When to colour
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Flags of explain
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The alias, as alias/app/billing; or the code of a risk, as decrypt-by-name
    #[arg(value_name = "ALIAS")]
    pub name: String,

    /// Only what the manifest says; no credentials, no network
    #[arg(long)]
    pub offline: bool,
}

/// Flags of doctor
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Try what --access reads as well: key policies, and with iam the account's IAM policies
    #[arg(long, value_name = "keys|iam", num_args = 0..=1, require_equals = true, default_missing_value = "keys", value_enum, hide_possible_values = true)]
    pub access: Option<PoliciesOf>,

    /// Try what drift --blame reads as well: CloudTrail's LookupEvents
    #[arg(long)]
    pub blame: bool,
}

/// Flags of the policy printer
#[derive(Args, Debug)]
pub struct IamPolicyArgs {
    /// What the role is for
    #[arg(long = "for", value_enum, value_name = "plan|apply")]
    pub purpose: Role,

    /// Allow what --access reads as well: key policies, and with iam the account's IAM policies
    #[arg(long, value_name = "keys|iam", num_args = 0..=1, require_equals = true, default_missing_value = "keys", value_enum, hide_possible_values = true)]
    pub access: Option<PoliciesOf>,

    /// Allow what drift --blame reads as well: CloudTrail's LookupEvents
    #[arg(long)]
    pub blame: bool,

    /// Only the policy of this account
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
}

/// The two roles of a manifest
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// It reads
    Plan,
    /// It reads and writes
    Apply,
}

impl From<Role> for Purpose {
    fn from(role: Role) -> Self {
        match role {
            Role::Plan => Self::Plan,
            Role::Apply => Self::Apply,
        }
    }
}

/// Flags of the formatter
#[derive(Args, Debug)]
pub struct FmtArgs {
    /// Write nothing: show what would change, and exit 2 if anything would
    #[arg(long)]
    pub check: bool,
}

/// Flags of the sandbox server
#[derive(Args, Debug)]
pub struct SandboxArgs {
    /// Port on 127.0.0.1; without one, a free one is taken; the address is printed
    #[arg(long, default_value_t = 0, hide_default_value = true, value_parser = port)]
    pub port: u16,
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "it is no port; write a number up to 65535, or leave it out".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }
}
