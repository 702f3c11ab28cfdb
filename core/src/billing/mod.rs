//! Billing: from reported usage to exact amounts.

pub mod meter;
