//! The target `damaged_exports` for `cargo fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tollway_fuzz::targets::damaged_exports(bytes));
