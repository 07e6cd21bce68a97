//! ghost.json as compiled, immutable tables.
//!
//! [`load`] reads the contract of the Go package `shared/ghostconf`. Wire types stay inside; what comes out
//! is compiled once for each reload, so that nothing is parsed or validated for a request. A record that
//! cannot be used as it stands becomes inert (a match that never matches, a rule or a share that answers
//! 500) and is told of in a [`Diagnostic`]; it harms no other record. A whole file is refused only if it
//! cannot be read as this contract at all.

#![forbid(unsafe_code)]

pub mod cache_policy;
mod config;
mod diagnostic;
mod dialect;
mod field;
mod filter;
mod header_modifier;
mod hostname;
mod listener;
mod load;
mod matches;
mod needs;
mod network;
pub mod path;
mod pattern;
mod rank;
mod records;
mod reserved_header;
mod route;
mod rule;
mod service;
mod uniqueness;
mod url;
mod version;
mod wire;

pub use cache_policy::CachePolicy;
pub use config::Config;
pub use diagnostic::Diagnostic;
pub use field::is_token;
pub use filter::Filters;
pub use header_modifier::{Header, HeaderModifier};
pub use hostname::{Hostname, MAX_NAME};
pub use listener::{Listener, Scheme};
pub use load::{Loaded, Refused, load, load_within};
pub use matches::{Match, PathMatch, ValueMatch, ValueTest};
pub use network::Networks;
pub use pattern::Pattern;
pub use rank::Rank;
pub use route::{Attachment, Route};
pub use rule::{Backend, Rule};
pub use service::Service;
pub use url::{PathModifier, Redirect, UrlRewrite};
pub use version::MAJOR;
