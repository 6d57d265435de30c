//! The flags of whatever plans, carries a plan out, takes one back or shows what was done.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

use super::environment::switch;
use crate::access::PoliciesOf;
use crate::duration;
use crate::plan::guards::{Allow, FailOn};
use crate::read::ReadBy;
use crate::scope::Pattern;
use crate::target::Target;

/// Flags that narrow or widen a plan
#[derive(Args, Clone, Debug, Default)]
pub struct PlanArgs {
    /// Only these aliases; the plan is then partial; may be repeated
    #[arg(long, value_name = "GLOB", value_parser = alias_glob)]
    pub alias: Vec<Pattern>,

    /// Not these aliases; the plan is then partial; may be repeated
    #[arg(long, value_name = "GLOB", value_parser = alias_glob)]
    pub exclude_alias: Vec<Pattern>,

    /// Delete in-scope aliases that are not declared, whatever the manifest says
    #[arg(long, overrides_with = "no_prune")]
    pub prune: bool,

    /// Delete only what is declared absent, whatever the manifest says
    #[arg(long, overrides_with = "prune")]
    pub no_prune: bool,

    /// Read all live aliases, or only the names that the manifest speaks about; what is unmanaged is then unknown. Without prune, auto takes
    /// whichever costs less: a few names of a large account
    #[arg(
        long,
        value_enum,
        value_name = "list|names|auto",
        hide_possible_values = true,
        default_value = "auto",
        env = "KMS_ALIAS_READ",
        hide_env = true
    )]
    pub read: ReadBy,

    /// Exit 2 if there are differences
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// Show which statements of key policies begin or cease to match, since they decide by alias; with iam, of the account's IAM policies as well
    #[arg(long, value_name = "keys|iam", num_args = 0..=1, require_equals = true, default_missing_value = "keys", value_enum, hide_possible_values = true)]
    pub access: Option<PoliciesOf>,

    /// IAM policy to look at as well, or what `aws iam get-account-authorization-details` prints; may be repeated
    #[arg(long, value_name = "FILE", requires = "access")]
    pub access_policy: Vec<PathBuf>,

    /// How much it may do
    #[command(flatten)]
    pub guards: GuardArgs,

    /// Compare with the manifest where HEAD left this commit: tell changes from drift, and refuse to take live aliases over
    #[arg(
        long,
        value_name = "GITREF",
        value_parser = NonEmptyStringValueParser::new(),
        env = "KMS_ALIAS_BASE_REF",
        hide_env = true
    )]
    pub base_ref: Option<String>,

    /// Refuse the plan where there are any of these
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    pub fail_on: Vec<FailOn>,
}

impl PlanArgs {
    /// Whether `target` is pruned: the flags go before what the manifest says
    pub fn prunes(&self, target: &Target) -> bool {
        (target.prune || self.prune) && !self.no_prune
    }
}

/// Flags about guards
#[derive(Args, Clone, Debug, Default)]
pub struct GuardArgs {
    /// Accept what these guards would refuse
    #[arg(long, value_name = "GUARD", value_enum, value_delimiter = ',')]
    pub allow: Vec<Allow>,

    /// Refuse more deletes than this in a target, whatever the manifest says
    #[arg(long, value_name = "N")]
    pub max_deletes: Option<usize>,

    /// Refuse more retargets than this in a target, whatever the manifest says
    #[arg(long, value_name = "N")]
    pub max_updates: Option<usize>,
}

/// Flags of plan
#[derive(Args, Debug)]
pub struct PlanningArgs {
    /// What to plan
    #[command(flatten)]
    pub plan: PlanArgs,

    /// Save the plan here, for `apply PLAN`; written whole or not at all, for its owner alone
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
}

/// Flags of drift
#[derive(Args, Debug)]
pub struct DriftArgs {
    /// What to look at
    #[command(flatten)]
    pub plan: PlanArgs,

    /// Say who made it so, when and from where, as far as CloudTrail tells: two requests a second in each account and Region
    #[arg(long)]
    pub blame: bool,

    /// Declare what is live in the manifest, where it differs: comments and layout stay, and what cannot be declared is told
    #[arg(long)]
    pub write_config: bool,

    /// Send one message to this webhook of Slack when there is something to tell; keep the address in the variable, it is a secret
    #[arg(long, value_name = "URL", env = "KMS_ALIAS_NOTIFY_SLACK", hide_env_values = true)]
    pub notify_slack: Option<String>,

    /// Likewise to any webhook, with the report as JSON
    #[arg(long, value_name = "URL", env = "KMS_ALIAS_NOTIFY_WEBHOOK", hide_env_values = true)]
    pub notify_webhook: Option<String>,
}

/// Flags of apply
#[derive(Args, Debug)]
pub struct ApplyArgs {
    /// A plan that `plan --out` saved: nothing else is done, and nothing at all if the world or the manifest has moved since
    #[arg(value_name = "PLAN", conflicts_with_all = ["alias", "exclude_alias", "prune", "no_prune", "allow", "access"])]
    pub path: Option<PathBuf>,

    /// What to plan
    #[command(flatten)]
    pub plan: PlanArgs,

    /// Write nothing unless the plan has this digest, as an approved plan printed it
    #[arg(long, value_name = "sha256:…", env = "KMS_ALIAS_EXPECT_DIGEST", hide_env = true)]
    pub expect_digest: Option<String>,

    /// Refuse a saved plan that is older
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = duration::parse, requires = "path")]
    pub max_plan_age: Duration,

    /// What to do with a target that has moved since the plan was saved: stop, or leave it out and do the others
    #[arg(long, value_enum, default_value_t = OnStale::Abort, requires = "path")]
    pub on_stale: OnStale,

    /// How to write it
    #[command(flatten)]
    pub writing: WritingArgs,
}

/// What to do with a target that has moved since its plan was saved
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnStale {
    /// Write nothing in any target
    Abort,
    /// Leave that target out
    SkipTarget,
}

/// Flags of revert
#[derive(Args, Debug)]
pub struct RevertArgs {
    /// The receipt that an apply wrote
    #[arg(value_name = "RECEIPT")]
    pub path: PathBuf,

    /// How much it may do
    #[command(flatten)]
    pub guards: GuardArgs,

    /// How to write it
    #[command(flatten)]
    pub writing: WritingArgs,
}

/// Flags of show
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// A plan that `plan --out` saved, or a receipt that an apply wrote; with --merge several of one kind
    #[arg(value_name = "PLAN|RECEIPT", required = true)]
    pub paths: Vec<PathBuf>,

    /// Show as one what several runs with --shard wrote: saved plans or JSON reports, receipts, or metrics; exit 1 if a shard is missing
    #[arg(long)]
    pub merge: bool,

    /// Warn of a saved plan that is older, as apply would refuse it
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = duration::parse)]
    pub max_plan_age: Duration,
}

/// Flags of whatever writes
#[derive(Args, Debug)]
pub struct WritingArgs {
    /// Do not ask
    #[arg(short, long, visible_alias = "auto-approve", value_parser = switch, env = "KMS_ALIAS_YES", hide_env = true)]
    pub yes: bool,

    /// How long to retry, and to wait for the service to show the result, in each target and stage; a write or listing under way is always awaited
    #[arg(long, value_name = "TIME", default_value = "3m", value_parser = duration::parse, env = "KMS_ALIAS_WAIT_TIMEOUT", hide_env = true)]
    pub wait_timeout: Duration,

    /// Listings in a row that must show the result
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..), env = "KMS_ALIAS_STEADY", hide_env = true)]
    pub steady: u32,

    /// Do not wait for the result of the last writes
    #[arg(long)]
    pub no_wait: bool,

    /// Where to keep the record of every write; a new file in the user's state directory by default, none for a sandbox without a STATE
    #[arg(long, value_name = "PATH")]
    pub receipt: Option<PathBuf>,
}

/// A pattern over names of aliases
pub(super) fn alias_glob(text: &str) -> Result<Pattern, String> {
    match Pattern::parse(text)? {
        pattern if pattern.may_be_of_aliases() => Ok(pattern),
        _ => Err(format!("it matches no alias: every name begins with `alias/`, as in alias/{text}")),
    }
}
