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
    /// Whether a request of a client has made it (RFC 9111 section 4.4). Clients make as many as they like: where they name
    /// many queries of one path, all of the path is invalid.
    pub by_request: bool,
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

impl Subject {
    /// As how many entries it counts: one, and more where its names are long.
    pub(crate) fn size(&self) -> usize {
        let text = |text: &[u8]| text.len();
        entry_size(match self {
            Subject::All => 0,
            Subject::Url { host, path, query } => {
                text(host) + text(path) + query.as_ref().map_or(0, |query| query.len())
            }
            Subject::Prefix { host, prefix } => text(host) + text(prefix),
            Subject::Host(name) | Subject::Tag(name) => text(name),
            Subject::Route(name) | Subject::Policy(name) => name.len(),
        })
    }
}

/// As how many entries one counts whose names have this length: memory is what the limit is for.
pub(crate) fn entry_size(length: usize) -> usize {
    const BYTES: usize = 256;
    1 + length / BYTES
}
