//! libFuzzer on `harness::claims`.
#![no_main]

#[path = "../harness.rs"]
#[expect(dead_code, reason = "each fuzzer drives one of its functions")]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::claims(bytes));
