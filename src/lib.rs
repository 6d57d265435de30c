//! kms-alias
pub mod alias;
pub mod kms;
pub mod target;
