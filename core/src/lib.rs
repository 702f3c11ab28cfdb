//! Tollway: an embedded AI gateway with a billing ledger.
//!
//! An app opens one file and calls models of many vendors through it. Each call is routed to a configured model, metered,
//! priced in exact decimals, held against budgets and written to the ledger, in process, with no server.
//!
//! ```no_run
//! use tollway::client::Tollway;
//! use tollway::settings::Settings;
//! use tollway::types::{CallOptions, ChatRequest, Message, TextMessage, ModelTerms};
//! use tollway::vault::MasterKey;
//!
//! # async fn example(key: secrecy::SecretString, api_key: secrecy::SecretString) -> tollway::types::Result<()> {
//! let tollway = Tollway::open("app.tollway", MasterKey::Text(key), Settings::default()).await?;
//! let model = ModelTerms { name: "openai/gpt-4o-mini".into(), api_key: Some(api_key), default: Some(true), ..ModelTerms::default() };
//! tollway.set_model(model).await?;
//! let question = Message::User(TextMessage { content: "Name three rivers.".into(), name: None });
//! let request = ChatRequest { messages: vec![question], ..ChatRequest::default() };
//! let reply = tollway.chat(request, CallOptions { user: Some("alice".into()), ..CallOptions::default() }).await?;
//! println!("{} cost {:?} {:?}", reply.text, reply.cost, reply.currency);
//! # Ok(())
//! # }
//! ```
//!
//! # Cancelling
//!
//! Dropping the future of [`client::Tollway::chat`], or a [`client::ChatStream`], gives the call up: unless its policy is
//! [`types::AbandonPolicy::Drain`], the connection to the provider is closed. The call is settled in a task of its own, and
//! its record names the policy that made its number. Every other future may be dropped too; a write that it had begun is
//! still made.

pub mod billing;
pub mod budget;
pub mod catalog;
pub mod client;
pub mod dialect;
pub mod environment;
pub mod provider;
pub mod report;
pub mod routing;
pub mod settings;
pub mod store;
pub mod transport;
pub mod types;
pub mod vault;
