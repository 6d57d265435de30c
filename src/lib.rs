//! kms-alias: a declarative reconciler for AWS KMS aliases. A manifest says which alias points at which key; this crate lists
//! the live aliases, plans CreateAlias, UpdateAlias and DeleteAlias calls, shows them, applies them, and stays until the
//! service, which is eventually consistent, really shows the result.
//!
//! The files are the pipeline, in this order:
//!
//! 1. [`load`]: `aliases.yaml` -> a checked manifest, or every problem in it at once
//! 2. [`discover`](mod@discover) and [`target`]: the manifest -> the accounts and Regions that it speaks about, each with the [`scope`] that it owns
//! 3. [`read`](mod@read): a target -> a snapshot of what is live, by [`list`](mod@list), pages of ListAliases, or by
//!    [`probe`](mod@probe), the names that it speaks about
//! 4. [`choose`](mod@choose) and [`resolve`](mod@resolve): key references -> the desired state
//! 5. [`diff`](mod@diff): desired and live -> how they differ
//! 6. [`inspect`](mod@inspect): the keys of the change -> what the service knows about them
//! 7. [`plan`](mod@plan): differences, policy and facts -> ordered actions, and what is held; here a delete is decided
//! 8. [`document`], [`render`]: plans and reports -> what is written for programs and kept, and from that every form of a report
//! 9. [`apply`](mod@apply): one stage of a plan -> one outcome an action; here alone the cloud is written
//! 10. [`verify`](mod@verify): read, compare and plan again until there is nothing left to do
//!
//! [`prepare`](mod@prepare) strings 3 to 7 together for one target, [`fleet`] does so for many, [`converge`](mod@converge)
//! strings 9 and 10 together, and [`cli`] is the commands. [`receipt`](mod@receipt) keeps what an apply does while it does it,
//! and [`revert`](mod@revert) makes a plan of the way back; [`saved`] tells what of a saved plan is still to be done. [`shard`] divides
//! the targets among runs, and [`merge`](mod@merge) makes one of what these wrote. [`idle`] and [`siblings`] look across targets for what none of them
//! shows alone. Beside the pipeline, [`explain`] tells what decides about one name,
//! [`diagnose`] what works on the way to a target, [`permissions`] what its policies have to allow, and [`access`] what a plan
//! does to the access of others; [`blame`] tells who made a target as it is. [`base`](mod@base) compares the manifest with an earlier one, which [`git`] reads;
//! [`accept`](mod@accept) edits it so that it declares what is live, and [`import`](mod@import) makes it of what is live. [`kms`] is the boundary to the service, [`sandbox`] an embedded one behind the same protocol.
//! [`forge`] keeps the comment on a pull request that shows a plan, [`notify`](mod@notify) tells a channel what drift was found, and both speak [`http`].
//! [`mod@schema`] tells editors and people what a manifest can say, and [`tidy`] writes one as everybody does.
//! [`bounded`] reads what a person names, and no more of it than could be meant; [`draft`] writes files whole or not at all.
//! [`poll`](mod@poll) is the only file that waits; [`pace`] decides how long, between writes.
//!
//! # As a library
//!
//! A manifest is loaded and expanded without any network; `examples/embed.rs` goes on to what an apply would do.
//!
//! ```
//! use kms_alias::load::{Input, load};
//! use kms_alias::target::targets;
//!
//! let text = "version: 1\nscope: [alias/app/]\naliases: {alias/app/db: 1234abcd-12ab-34cd-56ef-1234567890ab}\n";
//! let manifest = load(&[Input::Read { name: "aliases.yaml".to_owned(), bytes: text.into() }])?;
//! let [target] = &targets(&manifest)[..] else { panic!("without `targets:` there is one") };
//! assert_eq!((&*target.name, target.aliases.len()), ("default", 1));
//!
//! // Every problem of a manifest at once, each with its place and what would help
//! let bytes = text.replace("alias/app/db", "alias/other/db").into();
//! let error = load(&[Input::Read { name: "aliases.yaml".to_owned(), bytes }]).unwrap_err();
//! assert!(error.render(false).contains("aliases.yaml:3:11"));
//! # Ok::<(), kms_alias::load::LoadError>(())
//! ```
//!
//! Versions follow [Semantic Versioning](https://semver.org): before 1.0 a minor version may change the library, a patch does not. What that
//! counts for is [`alias`], [`scope`], [`load`], [`target`], [`fleet`], [`prepare`](mod@prepare), [`plan`](mod@plan), [`converge`](mod@converge), [`document`],
//! [`render`], [`receipt`](mod@receipt), [`kms`] and [`sandbox`]; the other modules are public so that their stages can be read and tested, and
//! may change at any time, [`cli`] first of all. The JSON that is written has versions of its own, [`document::FORMAT_VERSION`], and so has the
//! manifest. `docs/public-api.txt` lists all that is public, so that a change of it is seen in review.

pub mod accept;
pub mod access;
pub mod alias;
pub mod apply;
pub mod base;
pub mod blame;
pub mod bounded;
pub mod choose;
pub mod cli;
pub mod converge;
pub mod criteria;
pub mod diagnose;
pub mod diff;
pub mod discover;
pub mod document;
pub mod draft;
pub mod duration;
pub mod explain;
pub mod fleet;
pub mod forge;
pub mod git;
pub mod http;
pub mod idle;
pub mod import;
pub mod inspect;
pub mod kms;
pub mod list;
pub mod load;
pub mod merge;
pub mod notify;
pub mod pace;
pub mod pages;
pub mod permissions;
pub mod plan;
pub mod poll;
pub mod prepare;
pub mod probe;
pub mod read;
pub mod receipt;
pub mod render;
pub mod resolve;
pub mod revert;
pub mod sandbox;
pub mod saved;
pub mod schema;
pub mod scope;
pub mod shard;
pub mod siblings;
pub mod target;
pub mod tidy;
pub mod unusable;
pub mod verify;
