//! The target `price_lists` for `cargo fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tollway_fuzz::targets::price_lists(bytes));
