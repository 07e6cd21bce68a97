//! URLs in the form in which those of invalidations are compared.

use ghost_config::path;

use crate::key::{normalise_host, split_target};

/// Host, path and query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// The host: in lower case, without its port.
    pub host: Vec<u8>,
    /// The path, in the form for comparison where it has one.
    pub path: Vec<u8>,
    /// The query as it stands; none without a question mark.
    pub query: Option<Vec<u8>>,
}

impl Url {
    /// The URL of a request, by the value of its Host header and its target.
    pub fn new(host: &[u8], target: &[u8]) -> Self {
        let (raw, query) = split_target(target);
        let mut buffer = Vec::new();
        let path = path::normalise(raw, &mut buffer).unwrap_or(raw).to_vec();
        let mut buffer = Vec::new();
        let host = normalise_host(host, &mut buffer).to_vec();
        Self { host, path, query: query.map(<[u8]>::to_vec) }
    }
}
