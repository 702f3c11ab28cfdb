//! The target `cost_lines` for `cargo fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tollway_fuzz::targets::cost_lines(bytes));
