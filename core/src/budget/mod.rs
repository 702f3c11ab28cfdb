//! Budgets, pools and quotas: when their windows begin, what a call asks of them, and what an amount is in their currency.
//!
//! Reservations decide by it in the store, and quotes show it.

pub mod admission;
pub mod exchange;
pub mod index;
pub mod pool;
pub mod provisions;
pub mod quota;
pub mod window;
