//! The flags of init.

use std::sync::Arc;

use clap::Args;

use super::Ci;
use super::import::{PlacesArgs, prefix};
use crate::import::refer::Refer;

/// Flags of init
#[derive(Args, Debug)]
pub struct InitArgs {
    /// What is to be owned: the names under this prefix; may be repeated. Without one it is asked
    #[arg(long, value_name = "PREFIX", value_parser = prefix)]
    pub prefix: Vec<Arc<str>>,

    /// Where it is for; what is not said is asked
    #[command(flatten)]
    pub places: PlacesArgs,

    /// How keys are written, as of import
    #[arg(long, value_name = "id|arn|tags|tags=NAME,..", default_value = "id", value_parser = Refer::parse)]
    pub key_ref: Refer,

    /// The CI system whose files to add: a plan on pull requests, the apply after the merge, a look for drift. Without it, it is asked
    #[arg(long, value_enum, default_value_t, value_name = "github|gitlab|none", hide_possible_values = true)]
    pub ci: Ci,
}
