//! The whole program against a hostile world, on virtual time: one seed decides everything, so one number is a whole story.
//!
//! [`simulate`] runs `kms-alias plan`, `apply` and `revert` as often as the seed says, in this process and unchanged, on a
//! service that is late, slow and faulty, beside rivals who change the same aliases; then the faults stop, and it has to come to
//! rest. What breaks a rule is told with the seed; the same seed tells the same story, byte for byte.
//!
//! - `case.rs`, `wishes.rs`, `weather.rs`: what a seed decides
//! - `world.rs`, `service.rs`, `kms.rs`: the service, what goes wrong with it, and the boundary to it
//! - `shown.rs`, `past.rs`, `notebook.rs`, `watch.rs`, `rules.rs`: what a run shows, writes down and does, and the rules that it keeps
//! - `course.rs`, `life.rs`, `peace.rs`: the runs, one after the other, and what has to be true at the end
//! - `order.rs`, `stage.rs`: one run, and what has to be true of it
//! - `bugs.rs`: what the simulator must catch

mod bugs;
mod case;
mod chance;
mod course;
mod kms;
mod life;
mod notebook;
mod order;
mod past;
mod peace;
mod rules;
mod service;
mod shown;
mod stage;
mod totals;
mod watch;
mod weather;
mod wishes;
mod world;

pub use bugs::Bug;
pub use course::{simulate, simulate_all};
pub use rules::{Broken, Rule};
