//! Plain data: what calls, prices, budgets and records are. No I/O; imports nothing else of the crate.

mod budget;
mod error;
mod ids;
mod message;
mod meter;
mod model_config;
mod money;
mod price;
mod receipt;
mod record;
mod reply;
mod request;
mod route;
mod usage;

pub use budget::*;
pub use error::*;
pub use ids::*;
pub use message::*;
pub use meter::*;
pub use model_config::*;
pub use money::*;
pub use price::*;
pub use receipt::*;
pub use record::*;
pub use reply::*;
pub use request::*;
pub use route::*;
pub use rust_decimal::Decimal;
pub use usage::*;
