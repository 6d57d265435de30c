//! The flags of the comment on a pull request.

use std::path::PathBuf;

use clap::Args;

use crate::forge::ci::{Given, Provider};
use crate::render::markdown::{DEFAULT_ID, parse_id};

/// Flags of comment; the token is in the environment: GH_TOKEN or GITHUB_TOKEN, GITLAB_TOKEN or CI_JOB_TOKEN
#[derive(Args, Debug)]
#[command(
    after_help = "The token is read from GH_TOKEN or GITHUB_TOKEN, or from GITLAB_TOKEN or CI_JOB_TOKEN."
)]
pub struct CommentArgs {
    /// A plan that `plan --out` saved, or a receipt that an apply wrote; with --merge several of one kind
    #[arg(value_name = "PLAN|RECEIPT", group = "what", required_unless_present = "what")]
    pub paths: Vec<PathBuf>,

    /// Show as one what several runs with --shard wrote, as `show --merge` does; exit 1 if a shard is missing
    #[arg(long, requires = "paths")]
    pub merge: bool,

    /// There is no plan, since it failed: replace the comment by what it said, which is in this file
    #[arg(long, value_name = "FILE", group = "what")]
    pub failed: Option<PathBuf>,

    /// Write nothing, and print the digest that our own comment has: for apply --expect-digest
    #[arg(long, group = "what")]
    pub get_digest: bool,

    /// Tells the comments of two manifests on one pull request apart
    #[arg(long, value_name = "NAME", default_value = DEFAULT_ID, value_parser = parse_id)]
    pub id: String,

    /// Where the pull request is [default: where this job runs]
    #[arg(long, value_enum)]
    pub provider: Option<Provider>,

    /// Its repository: OWNER/NAME, at GitLab also a number [default: that of this job]
    #[arg(long, value_name = "REPO")]
    pub repo: Option<String>,

    /// Its number [default: that of this job]
    #[arg(long, value_name = "N")]
    pub number: Option<u64>,

    /// Where the API of its server begins, as `https://ghe.example/api/v3` [default: that of this job, else the public one]
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
}

impl CommentArgs {
    /// What is said of the pull request
    pub fn given(&self) -> Given {
        let Self { provider, repo, number, base_url, .. } = self;
        Given { provider: *provider, repo: repo.clone(), number: *number, base_url: base_url.clone() }
    }
}
