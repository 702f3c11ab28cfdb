//! Billing: the rules that turn usage and time into money and caps. No I/O.

pub mod window;
