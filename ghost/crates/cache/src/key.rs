//! The cache key: which requests share a stored response (RFC 9111 section 2).
//!
//! A key is a sequence of parts, written one after the other into a [`Sink`]: into a hasher with
//! [`Framed`], which tells any two sequences apart, or as text for people with [`Text`]. Two
//! requests have the same key if and only if they are the same in all that the policy puts into it.
//! Nothing is allocated once a [`Scratch`] is warm.

mod fields;
mod host;
mod query;
mod selected;
mod sink;

use std::hash::Hasher;

use ghost_route::Headers;

use crate::policy::{KeyPolicy, QueryKey};

pub use host::normalise as normalise_host;
pub use query::split as split_target;
pub use selected::Selected;
pub use sink::{Framed, Part, Sink, Text};

/// Whose objects a request may share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity<'a> {
    /// Those of one rule, by bytes that are the same as long as the rule is.
    Rule(&'a [u8]),
    /// Those of all rules with this identity in a zone ([`crate::zone::identity`]).
    Zone(&'a [u8]),
}

/// What identifies the objects of a rule, by its ID: at one listener, where the policies of listeners
/// differ. These share no objects: one may store what the other must not serve.
pub fn rule_identity(rule: &str, listener: Option<&str>) -> String {
    match listener {
        Some(listener) => format!("{rule} at {listener}"),
        None => rule.to_owned(),
    }
}

/// What a key is made of.
#[derive(Debug)]
pub struct Request<'a, H: ?Sized> {
    /// Whether it came by https.
    pub is_https: bool,
    /// Value of the Host header, with or without a port.
    pub host: &'a [u8],
    /// Request target in origin form: path and query. In a zone it is what backends are asked for
    /// ([`crate::zone::target`]).
    pub target: &'a [u8],
    /// Header lines.
    pub headers: &'a H,
}

/// Buffers that are kept from one request to the next, so that a warm one allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The host in lower case, or a value of several lines.
    value: Vec<u8>,
    /// The query's parameters.
    parameters: query::Buffers,
}

/// Writes the key of a request.
pub fn write<H, S>(
    policy: &KeyPolicy,
    identity: Identity<'_>,
    request: &Request<'_, H>,
    scratch: &mut Scratch,
    sink: &mut S,
) where
    H: Headers + ?Sized,
    S: Sink + ?Sized,
{
    write_selected(policy, identity, request, Selected::of(policy, request.headers), scratch, sink);
}

/// Hashes what of a query is in a key: the same of two queries that have the same key, and only of those.
pub fn hash_query(policy: &QueryKey, query: Option<&[u8]>, scratch: &mut Scratch, hasher: &mut impl Hasher) {
    query::write(policy, query, &mut scratch.parameters, &mut Framed(|bytes: &[u8]| hasher.write(bytes)));
}

/// Writes the key of a request that selects this: of what its header says of codings and languages
/// by now, nothing counts.
pub fn write_selected<H, S>(
    policy: &KeyPolicy,
    identity: Identity<'_>,
    request: &Request<'_, H>,
    selected: Selected,
    scratch: &mut Scratch,
    sink: &mut S,
) where
    H: Headers + ?Sized,
    S: Sink + ?Sized,
{
    match identity {
        Identity::Rule(id) => sink.part(Part::Rule, id),
        Identity::Zone(name) => sink.part(Part::Zone, name),
    }
    if policy.scheme {
        sink.part(Part::Scheme, if request.is_https { b"https" } else { b"http" });
    }
    sink.part(Part::Host, host::normalise(request.host, &mut scratch.value));
    let (path, query) = query::split(request.target);
    sink.part(Part::Path, path);
    query::write(&policy.query, query, &mut scratch.parameters, sink);
    selected.write_coding(policy, sink);
    selected.write_language(policy, sink);
    for name in &policy.headers {
        fields::header(name, request.headers, &mut scratch.value, sink);
    }
    fields::cookies(policy, request.headers, sink);
}
