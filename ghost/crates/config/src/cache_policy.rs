//! What a cache policy says, as plain values. Every field has the default that a policy without it has.

mod compile;
mod freshness;
mod key;
mod names;

use std::sync::Arc;

pub use freshness::{FreshnessPolicy, Heuristic, Mode, StaleWindow, StatusRule, Statuses};
pub use key::{Coding, KeyPolicy, Languages, Parameters, QueryKey};
pub use names::NamePattern;

/// A cache policy with its record's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachePolicy {
    /// What rules name it by. Another content has another ID.
    pub id: Arc<str>,
    /// The objects that it was made of ("namespace/name"), the most specific first.
    pub policies: Box<[Box<str>]>,
    /// What rules of one namespace share objects by; none where each has its own.
    pub zone: Option<Box<str>>,
    /// What it says.
    pub policy: Policy,
    /// Whether requests are passed, as the record cannot be used as it stands.
    pub is_inert: bool,
}

/// A cache policy. The default obeys the origin, keys by host, path and query, and believes no client.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// For how long responses are fresh, and may be used after that.
    pub freshness: FreshnessPolicy,
    /// What is stored.
    pub storage: StoragePolicy,
    /// Which requests go past the cache.
    pub bypass: Bypass,
    /// What tells two objects apart.
    pub key: KeyPolicy,
    /// Whether Cache-Control and Pragma of requests are heeded (RFC 9111 section 5.2.1). Default: no, since
    /// every client could then send every request to the origin.
    pub heed_clients: bool,
    /// The Cache-Control that clients get in place of the origin's. Default: the origin's.
    pub client_cache_control: Option<ClientCacheControl>,
    /// What Cache-Status says (RFC 9211). Default: everything but the key.
    pub cache_status: CacheStatus,
}

/// What Cache-Status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CacheStatus {
    /// Nothing: there is none.
    Hidden,
    /// Everything but the key.
    #[default]
    Shown,
    /// The key as well.
    WithKey,
}

/// What of all that may be stored is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoragePolicy {
    /// The most bytes that the body of an object may have, as Content-Length says. Default: no bound.
    pub max_size: Option<u64>,
    /// What Set-Cookie means. Default: [`SetCookie::Refuse`].
    pub set_cookie: SetCookie,
    /// What Authorization of a request means. Default: [`Authorization::Rfc9111`].
    pub authorization: Authorization,
    /// Whether text without Content-Encoding is stored in gzip. Default: no.
    pub compress: bool,
    /// Whether Edge Side Includes are carried out in HTML and XML. Default: no.
    pub esi: bool,
    /// The field that lists the tags of an object, by its name in lower case. Default: none.
    pub tags_header: Option<Box<[u8]>>,
    /// For how many seconds a response that is not stored tells the cache not to let other requests wait
    /// for the next one. Default: 120.
    pub hit_for_miss: u32,
}

impl Default for StoragePolicy {
    fn default() -> Self {
        Self {
            max_size: None,
            set_cookie: SetCookie::default(),
            authorization: Authorization::default(),
            compress: false,
            esi: false,
            tags_header: None,
            hit_for_miss: 120,
        }
    }
}

/// What becomes of a response with Set-Cookie (RFC 9111 section 7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SetCookie {
    /// It is not stored, unless the origin says with `no-cache="set-cookie"` or `private="set-cookie"`
    /// that it may be without the field.
    #[default]
    Refuse,
    /// It is stored without Set-Cookie, which nobody gets then.
    Remove,
    /// It is stored with Set-Cookie, which everybody gets.
    Store,
}

/// What becomes of a request with Authorization, and of its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Authorization {
    /// The response is stored where the origin says `public`, `s-maxage` or `must-revalidate` (RFC 9111
    /// section 3.5).
    #[default]
    Rfc9111,
    /// The request goes past the cache.
    Bypass,
    /// The field means nothing. It should be in the key then, or the origin not ask for it.
    Ignore,
}

/// Which requests go past the cache.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bypass {
    /// Requests that have one of these cookies. Default: none.
    pub cookies: Vec<NamePattern>,
    /// Requests that have one of these header fields. Default: none.
    pub headers: Vec<HeaderTest>,
    /// Requests with one of these methods, beside those that no cache serves: all but GET and HEAD.
    /// Default: none.
    pub methods: Vec<Box<[u8]>>,
}

/// Whether a request has a header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderTest {
    /// Name, in any case.
    pub name: Box<[u8]>,
    /// The value of one of its lines; any value where it is none.
    pub value: Option<Box<[u8]>>,
}

/// A Cache-Control for clients, set on responses of status 100 to 399 that are stored or come out of the
/// cache.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientCacheControl {
    /// For how many seconds from now on a client may keep the response. What it gets is this and Age
    /// together, since it counts from when the response was made (RFC 9111 section 4.2.3).
    pub max_age: Option<u32>,
    /// Further directives, as they are to stand in the field, such as `public, immutable`.
    pub directives: Box<str>,
}
