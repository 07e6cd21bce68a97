//! What a lookup says of its request.

use std::hash::Hasher;

/// A request whose objects may have been invalidated.
pub trait Asked {
    /// The namespace of its route.
    fn namespace(&self) -> &str;

    /// The name of its route.
    fn route(&self) -> &str;

    /// Whether the cache policy of this name, in the namespace of the route, holds for its rule.
    fn has_policy(&self, name: &str) -> bool;

    /// The URLs by which its object is known, each as host, path and query: the client's, and the backend's where filters
    /// rewrite it.
    fn urls(&self) -> impl Iterator<Item = (&[u8], &[u8], Option<&[u8]>)>;

    /// The way in which its policy compares queries: requests with the same number compare them alike.
    fn comparison(&self) -> u64;

    /// Hashes what of a query is in the key: the same of two queries that have the same key, and only of those.
    fn hash_query(&self, query: Option<&[u8]>, hasher: &mut impl Hasher);
}

/// What an object can be invalidated by, whichever request asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label<'a> {
    /// A tag of its origin's.
    Tag(&'a [u8]),
    /// The name of the route that has stored it.
    Route(&'a str),
    /// The name of a policy that it was stored by.
    Policy(&'a str),
}
