//! Hostile bytes against every reader of Tollway.
//!
//! A target is a plain function of bytes that must neither panic nor overflow the stack, and whose own assertions hold whatever
//! the bytes are. The runner mutates a committed corpus by a seed, on a small stack in a process of its own; `cargo fuzz` drives
//! the same functions by coverage.

pub mod corpus;
pub mod mutation;
pub mod runner;
pub mod targets;
