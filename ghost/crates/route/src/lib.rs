//! Routing: a borrowed request in, a decision out. No I/O, and no allocation once a [`Scratch`] is warm, nor
//! the cache of a regular expression too large for a table ([`ghost_config::Pattern`]).
//!
//! A [`Router`] indexes a configuration: listener by socket and host, then host, then path, then one exact
//! header, query parameter or method. The index only narrows down; which of the candidates wins is decided by
//! their ranks alone, so the outcome is that of trying all matches in order.
//!
//! What else a request or its answer needs is here as well, as pure functions over reusable buffers: the
//! target that a backend sees and the Location of a redirect ([`target`]), header modification
//! ([`modify`]), all that is done to an answer ([`plan`]), and X-Forwarded-* ([`forwarded`]).

#![forbid(unsafe_code)]

mod decision;
pub mod forwarded;
mod host;
mod host_map;
mod listener_index;
mod match_list;
pub mod modify;
mod names;
mod path_index;
pub mod plan;
mod query;
mod request;
mod request_target;
mod router;
mod selection;
pub mod target;

pub use decision::{Answer, Chosen, Decision, Outcome, Share, Why};
pub use request::{Headers, Request, Scratch};
pub use router::Router;
