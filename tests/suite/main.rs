//! The one integration binary: stages and whole commands on the embedded KMS under paused time, and the real program.

mod access;
mod adapter;
mod apply;
mod commands;
mod contract;
mod contract_on_fake;
mod contract_on_sandbox;
mod denied;
mod doctor;
mod explain;
mod fake;
mod full_keys;
mod guards;
mod iam_policy;
mod listing;
mod manifests;
mod process;
mod ran;
mod random_worlds;
mod renames;
mod sandbox;
mod sandbox_misbehaves;
mod sandbox_rules;
mod sandbox_state;
mod selection;
mod worlds;
