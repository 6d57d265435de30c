//! The flags of list.

use clap::Args;

use super::plans::alias_glob;
use crate::document::Status;
use crate::scope::Pattern;

/// Flags of list
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Only these aliases; may be repeated
    #[arg(long, value_name = "GLOB", value_parser = alias_glob)]
    pub alias: Vec<Pattern>,

    /// Not these aliases; may be repeated
    #[arg(long, value_name = "GLOB", value_parser = alias_glob)]
    pub exclude_alias: Vec<Pattern>,

    /// Only aliases that are on this key, or declared on it: its id, the beginning of that, or its ARN; may be repeated
    #[arg(long, value_name = "KEY", value_parser = key)]
    pub key: Vec<String>,

    /// Only aliases of which the manifest makes this
    #[arg(long, value_name = "STATUS", value_enum, value_delimiter = ',')]
    pub status: Vec<Status>,
}

/// The id of a key, or its beginning
fn key(text: &str) -> Result<String, String> {
    let id = text.rsplit_once(":key/").map_or(text, |(_, id)| id);
    let letter = |c: char| c.is_ascii_hexdigit() || c == '-' || "mrk".contains(c);
    match !id.is_empty() && id.chars().all(letter) {
        true => Ok(id.to_owned()),
        false => {
            Err("write the id of a key, as 1234abcd-12ab-34cd-56ef-1234567890ab, its beginning or its ARN"
                .to_owned())
        }
    }
}
