//! What can be invalidated.

/// One order to invalidate objects. It reaches what the routes of one namespace have cached, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalidation {
    /// The namespace of the routes.
    pub namespace: Box<str>,
    /// Which of their objects.
    pub subject: Subject,
    /// Whether objects become stale only, and may be served while the origin is asked for new ones, or where it fails.
    pub soft: bool,
}

/// Which objects are invalidated. Hosts are in lower case and without a port, and paths in the form that requests are
/// compared in: nothing here is a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The objects of one URL: of every variant, and of every query with the same key.
    Url {
        /// Host of the URL.
        host: Box<[u8]>,
        /// Path of the URL.
        path: Box<[u8]>,
        /// Query of the URL; none without a question mark.
        query: Option<Box<[u8]>>,
    },
    /// The objects of every URL whose path begins with this, of whatever query: queries have many spellings.
    Prefix {
        /// Host of the URLs.
        host: Box<[u8]>,
        /// How the path begins.
        prefix: Box<[u8]>,
    },
    /// The objects of a host.
    Host(Box<[u8]>),
    /// The objects that their origin has given this tag.
    Tag(Box<[u8]>),
    /// The objects of a route, by its name.
    Route(Box<str>),
    /// The objects of every rule that a cache policy holds for, by the policy's name.
    Policy(Box<str>),
    /// Every object of the namespace.
    All,
}
