//! What the cache makes of a request, and of a response to it, in words: the decisions of the crate
//! `ghost_cache`, for `gatewayctl explain`. There is no I/O here.

#![forbid(unsafe_code)]

mod names;
mod question;
mod request;
mod response;

use serde::Serialize;

pub use question::{Field, Question, Request, Response, Unanswerable};
pub use request::Lookup;
pub use response::{Storage, Time};

/// What the cache makes of a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Whether the request looks into the cache.
    pub lookup: Lookup,
    /// The key, as Cache-Status has it; none for a request that goes past the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What becomes of the response, where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Storage>,
}

/// Answers a question.
///
/// # Errors
/// The configuration cannot be read, or has no such rule; or no cache policy holds for the rule.
pub fn explain(question: &Question) -> Result<Explanation, Unanswerable> {
    let found = question.find()?;
    let policy = &found.policy.policy;
    let lookup = Lookup::of(policy, &question.request);
    let key = lookup.looks.then(|| request::key(&found, &question.request));
    let response = question.response.as_ref().map(|response| match lookup.looks {
        true => Storage::of(policy, &question.request, response, question.now),
        false => Storage::passed(),
    });
    Ok(Explanation { lookup, key, response })
}
