//! The embedded KMS: a faithful one over loopback HTTP, which can misbehave on purpose, so that everything this program does can be tried
//! and tested without an account.
//!
//! From the inside out:
//! - [`World`] is a pure state machine: accounts and Regions with their keys and aliases, and the service's rules and words. It is told
//!   the time and never waits. Replicas that are late ([`Lag`]) belong to it.
//! - [`Service`] is the world as a client meets it: behind request quotas, misbehaving as a [`Scenario`] says, with a log of every
//!   call. It says how long a response takes; whoever drives it waits. Tests drive it in-process under paused time.
//! - [`start`] and [`serve`] drive it from HTTP on 127.0.0.1, in the JSON 1.1 protocol of KMS, CloudTrail and Organizations, and in form and XML for STS and IAM.
//!   No signature is checked: the access key id names the account, the credential scope the Region.
//! - [`StateFile`] keeps the world between runs; [`starting_world`] is what there is without it.
//!
//! Where the service's behaviour is not publicly known (the words for a move to another type of key, the order of a listing), the
//! sandbox takes the strictest reading and says so at the place.
//!
//! Any client will do:
//!
//! ```text
//! export AWS_ENDPOINT_URL=http://127.0.0.1:4599 AWS_ACCESS_KEY_ID=111122223333 AWS_SECRET_ACCESS_KEY=x AWS_REGION=us-east-1
//! aws kms list-aliases
//! ```

mod alias_calls;
mod aliases;
mod faults;
mod flags;
mod iam;
mod identifiers;
mod input;
mod key_calls;
mod key_settings;
mod key_spec;
mod keys;
mod lag;
mod marker;
mod operations;
mod organization;
mod paging;
mod protocol;
mod query;
mod quota;
mod reference;
mod refusal;
mod scenario;
mod server;
mod service;
mod snapshot;
mod starting;
mod state;
mod sts;
mod trail;
mod wire;
mod world;

pub use alias_calls::ALIASES_PER_KEY;
pub use flags::Flags;
pub use iam::{Iam, IamPrincipal};
pub use keys::{Key, KeyState};
pub use lag::Lag;
pub use organization::Unit;
pub use quota::{Quotas, service_quotas};
pub use refusal::ServiceError;
pub use scenario::{
    AliasLag, Delay, Effect, ErrorPlan, Fault, Glob, LagPlan, Paging, PagingDefect, Scenario, ScenarioError,
};
pub use server::{Running, StartError, serve, start};
pub use service::{Answer, Call, Reply, Service};
pub use starting::starting_world;
pub use state::{StateError, StateFile};
pub use world::{DEFAULT_ACCOUNT, Home, Millis, Request, World};
