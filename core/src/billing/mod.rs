//! Billing: from a provider's usage to meters, from meters and prices to a receipt, and the bounds that caps hold.

pub mod bound;
pub mod component;
pub mod exact;
pub mod meter;
pub mod price;
pub mod surcharge;
pub mod window;
pub mod worst_case;

#[cfg(test)]
mod properties_tests;
