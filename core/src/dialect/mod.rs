//! Dialects: the formats in which apps speak to the engine, without I/O. They are the providers' formats, seen from the
//! other side, under the same names. Each has the same functions in the same order, so that reading one is reading all.

mod anthropic;
mod call_id;
mod chat;
mod dialects;
mod endpoint;
mod error;
mod field;
mod foreign;
pub mod jina;
mod models;
pub mod openai;
mod openai_responses;
mod receipt_field;
mod recent_items;
mod sse;

pub use chat::{AnswerStart, DecodedRequest, Dialect, ReplyEncoder};
pub use dialects::{dialect, dialect_of_errors};
pub use endpoint::{Endpoint, recognize};
pub use error::status;
pub use foreign::{ErrorShape, is_foreign_chat, not_read};
pub use models::{ListedModel, encode_model, encode_models};
pub use receipt_field::{call_headers, reply_headers};
pub use recent_items::{RecentItems, UserItems};
