//! What a lookup says of its request.

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

    /// Whether two queries have the same key.
    fn is_same_query(&self, one: Option<&[u8]>, other: Option<&[u8]>) -> bool;
}
