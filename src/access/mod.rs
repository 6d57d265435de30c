//! What a plan does to access: key policies, IAM policies and a plan -> the statements that begin or cease to match.
//!
//! `kms:RequestAlias` and `kms:ResourceAliases` let a policy decide by alias, so that moving an alias grants and takes away
//! access without any policy changing
//! (<https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html>). In this order:
//!
//! 1. [`gather`](mod@gather): the keys that a plan touches -> their policies and all of their aliases; [`account`]: all IAM policies
//!    of an account. The only parts that read
//! 2. [`document`]: policy JSON -> statements
//! 3. [`export`](mod@export): what IAM says about an account, or a file of it, -> such documents
//! 4. [`condition`]: one condition on one set of values -> yes, no, or why it cannot be told; [`pattern`] compares the texts
//! 5. [`impact`](mod@impact): statements on the aliases before and after the plan -> what begins and ceases to match
//! 6. [`lockout`](mod@lockout): would the program's own role lose its permission half way
//!
//! All but the first are pure. What cannot be told is always said, and never counted as no change.

pub mod account;
pub mod condition;
pub mod document;
pub mod export;
pub mod gather;
pub mod impact;
pub mod lockout;
pub mod moves;
pub mod pattern;
pub mod principal;

/// Whose policies `--access` reads
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum PoliciesOf {
    /// Those of the keys that the plan touches
    Keys,
    /// Those, and all IAM policies of the account
    Iam,
}
