//! Generated traffic: what providers may do, what calls may ask, and what must hold whatever they do.

mod answer;
mod anthropic;
pub(crate) mod batch;
mod body;
mod call;
mod check;
mod delivery;
mod dress;
mod format;
mod gemini;
mod nowhere;
mod openai;
mod outcome;
pub(crate) mod random;
pub(crate) mod report;
mod script;
mod server;
mod spelling;
mod story;
mod usage;
