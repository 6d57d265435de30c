//! The flags of import.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::alias::{AliasName, NameError};
use crate::import::refer::Refer;
use crate::load::targets::is_region;

/// Flags of import
#[derive(Args, Debug, Default)]
pub struct ImportArgs {
    /// Only names under this prefix; without a manifest it is also what the new one owns; may be repeated
    #[arg(long, value_name = "PREFIX", value_parser = prefix)]
    pub prefix: Vec<Arc<str>>,

    /// Make a new manifest, though there is one where it is looked for
    #[arg(long)]
    pub new: bool,

    /// Where a new manifest is for
    #[command(flatten)]
    pub places: PlacesArgs,

    /// How keys are written: by their id; by their ARN; or by their tags, all or those named, where these select that key and no other
    #[arg(long, value_name = "id|arn|tags|tags=NAME,..", default_value = "id", value_parser = Refer::parse)]
    pub key_ref: Refer,

    /// Write the manifest here instead of to stdout; whole or not at all
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Let --out and --removed replace what is there
    #[arg(long)]
    pub overwrite: bool,

    /// Only the aliases of this Terraform state: `terraform state pull` or `terraform show -json`
    #[arg(long, value_name = "FILE", conflicts_with = "from_cloudformation")]
    pub from_tfstate: Option<PathBuf>,

    /// Only the aliases of this CloudFormation template, or of a stack: `aws cloudformation list-stack-resources`
    #[arg(long, value_name = "FILE")]
    pub from_cloudformation: Option<PathBuf>,

    /// Write here, and not to stderr, how Terraform or CloudFormation lets go of what was imported without deleting it
    #[arg(long, value_name = "FILE")]
    pub removed: Option<PathBuf>,

    /// Whether nothing need be live yet
    #[arg(skip)]
    pub may_be_empty: bool,
}

/// Where a new manifest is for; without any of it, the account and the Region of the credentials
#[derive(Args, Clone, Debug, Default)]
pub struct PlacesArgs {
    /// Regions of a new manifest
    #[arg(long, value_name = "REGION,..", value_delimiter = ',', value_parser = shared_region)]
    pub regions: Vec<Arc<str>>,

    /// Profiles of the shared AWS configuration, each of which reaches an account of a new manifest
    #[arg(long, value_name = "PROFILE,..", value_delimiter = ',')]
    pub profiles: Vec<Arc<str>>,

    /// Whether the account of the credentials is meant beside those of the profiles
    #[arg(skip)]
    pub own: bool,
}

/// What has the shape of a Region
pub(in crate::cli) fn region(text: &str) -> Result<String, String> {
    match is_region(text) {
        true => Ok(text.to_owned()),
        false => Err("it is no Region; write it as in us-east-1".to_owned()),
    }
}

fn shared_region(text: &str) -> Result<Arc<str>, String> {
    region(text).map(Arc::from)
}

/// A prefix that a scope can have
pub(in crate::cli) fn prefix(text: &str) -> Result<Arc<str>, String> {
    match AliasName::parse(text) {
        Ok(_) | Err(NameError::Empty) => Ok(text.into()),
        Err(error) => Err(format!("{error}; {}", error.hint())),
    }
}
