//! Caching decided: freshness, storability and keys, from header fields and a policy alone. There
//! is no Varnish here and no I/O; whoever calls has the clock and carries the decisions out.
//!
//! | when | what |
//! |---|---|
//! | a request comes in | [`lookup::decide`]: does it look into the cache |
//! | it looks | [`key::write`]: what for; [`selecting::others`]: which variant |
//! | something is found | [`reuse::Candidate::answers`]: does it answer the request |
//! | a response is fetched | [`response::ResponseFields::read`], then [`storability::decide`] |
//! | what is stored is stale | [`conditional`]: what the origin is asked, what a 304 changes |
//! | a part is asked for | [`range::heeded`]: is one given |
//! | a response goes out | [`client_cache_control::of`], [`cache_status::CacheStatus`] |
//! | something was changed | [`invalidation::Answered::invalidates`]: what is not valid any more |
//!
//! What is decided for every request allocates nothing. Every decision comes with its reason, as a
//! value that prints as a sentence. The rules are those of RFC 9111 (HTTP caching, for a shared
//! cache), RFC 9213 (targeted fields), RFC 5861 (stale responses) and RFC 9211 (Cache-Status);
//! comments name the sections.

#![forbid(unsafe_code)]

pub mod cache_control;
pub mod cache_status;
pub mod client_cache_control;
pub mod conditional;
mod cookie;
pub mod date;
pub mod delta_seconds;
pub mod encoding;
pub mod etag;
pub mod freshness;
pub mod invalidation;
pub mod key;
pub mod language;
mod list;
pub mod lookup;
pub use ghost_config::cache_policy as policy;
pub mod range;
pub mod response;
pub mod reuse;
pub mod selecting;
pub mod status;
pub mod storability;
pub mod tags;
pub mod url;
pub mod vary;
mod weighted;
pub mod zone;
