//! The binary: nothing yet but the crate it will run.

fn main() {}
