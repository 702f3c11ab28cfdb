//! The target `gemini` for `cargo fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tollway_fuzz::targets::gemini(bytes));
