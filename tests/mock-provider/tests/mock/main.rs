//! Tests of the mock provider, from outside: what is on the wire, what is counted, how it starts and ends.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test by panicking")]

mod automatic;
mod lifetime;
mod scripts;
mod support;
