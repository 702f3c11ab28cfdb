//! OpenAI's format of responses, as apps speak it.

pub(super) mod chat;
