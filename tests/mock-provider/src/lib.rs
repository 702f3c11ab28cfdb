//! A loopback server that plays model providers: automatic replies in three wire formats, scripted replies, streams and
//! faults, with counts of what its clients did. See `README.md` for the control interface.

mod anthropic;
mod automatic;
mod body;
mod control;
mod counts;
mod gemini;
mod mock;
mod openai;
mod prepared;
mod prompt;
mod recording;
mod schema;
mod script;
mod server;

pub use counts::{Counts, CountsReport};
pub use mock::{MockError, MockProvider};
pub use recording::RecordedRequest;
pub use script::{Fault, Framing, Reply, Script, Then};
