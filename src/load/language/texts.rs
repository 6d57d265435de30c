//! The texts of the language: what each is, and the pattern that an editor can check it by. The loader judges by its own functions,
//! which say what is wrong and what would be right; a test holds the two together. Pure data.

use crate::alias::LONGEST_NAME;
use crate::load::key::LONGEST;
use crate::load::session::{self, Shape};

/// A kind of text
#[derive(Clone, Copy)]
pub(crate) struct Text {
    /// As in `this is not …`
    pub(crate) what: &'static str,
    /// A regular expression for the whole of it, in what JavaScript, Python and Rust understand alike
    pub(crate) pattern: Option<&'static str>,
    /// The fewest and the most characters
    pub(crate) length: [usize; 2],
}

pub(crate) const fn any(what: &'static str) -> Text {
    Text { what, pattern: None, length: [0, usize::MAX] }
}

const fn like(what: &'static str, pattern: &'static str) -> Text {
    Text { pattern: Some(pattern), ..any(what) }
}

const fn within(what: &'static str, least: usize, most: usize) -> Text {
    Text { length: [least, most], ..any(what) }
}

const fn session(what: &'static str, shape: Shape) -> Text {
    Text { what, pattern: shape.pattern, length: shape.length }
}

/// Digits and letters of an id, twice
macro_rules! key_id {
    () => {
        "([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})"
    };
}

/// What can be filled in
macro_rules! placeholder {
    () => {
        r"\{(account|region|partition)\}"
    };
}

pub(crate) const ANY: Text = any("text");
pub(crate) const REQUIREMENT: Text = any("a requirement of a version");
pub(crate) const SELECTOR: Text = any("a target, a pattern over targets, or `@` and a group");

pub(crate) const NAME: Text =
    Text { length: [0, LONGEST_NAME], ..like("the name of an alias", r"^alias/(?!aws/)[a-zA-Z0-9/_-]+$") };
pub(crate) const PREFIX: Text = Text {
    length: [0, LONGEST_NAME],
    ..like("a prefix of names, as `alias/app/`", r"^alias/(?!aws/)[a-zA-Z0-9/_-]*$")
};
pub(crate) const PATTERN: Text = like("a pattern over names of aliases", r"^(alias/|[*?\[{])");
pub(crate) const KEY_ID: Text = like("the id of a key", concat!("^", key_id!(), "$"));
pub(crate) const KEY_ARN: Text =
    like("the ARN of a key", concat!("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/", key_id!(), "$"));
pub(crate) const TAG: Text = within("the name of a tag", 1, LONGEST[0]);
pub(crate) const TAG_VALUE: Text = within("the value of a tag", 0, LONGEST[1]);
pub(crate) const DESCRIPTION: Text = within("the description of a key", 1, LONGEST[2]);

pub(crate) const WORD: Text =
    like("a name of letters, digits, `_`, `.` and `-`", r"^(?!alias$)[a-zA-Z0-9_.-]+$");
pub(crate) const INSTANCE: Text =
    like("an account and Region of the target", r"^(?!alias/)[a-zA-Z0-9_.-]+/[0-9]{12}/[a-z0-9-]+$");
pub(crate) const ACCOUNT: Text = like("an account id, twelve digits in quotes", r"^[0-9]{12}$");
pub(crate) const REGION: Text = like("a Region, as `us-east-1`", r"^[a-z]+(-[a-z]+)+-[0-9]{1,2}$");
pub(crate) const OU: Text = like("the id of an OU", r"^ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}$");
pub(crate) const ROOT: Text = like("the id of a root", r"^r-[0-9a-z]{4,32}$");
pub(crate) const ENDPOINT: Text = like(
    "the URL of an endpoint",
    concat!(
        r"^(https://([^\s/?#@{}]|",
        placeholder!(),
        r")+|http://(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?)([/?#]([^\s{}]|",
        placeholder!(),
        r")*)?$"
    ),
);

pub(crate) const ROLE: Text = like(
    "the ARN of a role, which may have `{account}`, `{region}` and `{partition}` in it",
    concat!(
        r"^arn:(aws[a-z-]*|\{partition\}):iam::([0-9]{12}|\{account\}):role/([^\s{}]|",
        placeholder!(),
        r")+$"
    ),
);
pub(crate) const EXTERNAL_ID: Text = session("an external id", session::EXTERNAL_ID);
pub(crate) const SESSION_NAME: Text = session("the name of a session", session::NAME);
pub(crate) const SESSION_TAG: Text = session("the key of a session tag", session::TAG);
pub(crate) const SESSION_VALUE: Text = session("the value of a session tag", session::VALUE);

pub(crate) const PERCENT: Text =
    like("a part of the live names, 0% to 100%", r"^(100(\.0*)?|[0-9]{1,2}(\.[0-9]*)?) *%$");
