//! Billing: from a provider's usage to meters, from meters and prices to a receipt, and the bounds that caps hold.

pub mod belief;
pub mod bound;
pub mod component;
pub mod coverage;
pub mod estimate;
pub mod exact;
pub mod facts;
pub mod fees;
mod layout;
pub mod meter;
pub mod price;
pub mod truth;
pub mod worst_case;

#[cfg(test)]
mod tests;
