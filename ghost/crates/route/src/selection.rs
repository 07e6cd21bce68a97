//! Whether a request fits a match.

use ghost_config::{Match, PathMatch};

use crate::match_list::Key;
use crate::query::parameter;
use crate::request::{Headers, Request, header, passes};

/// A request in the forms in which it is compared.
pub(crate) struct Selection<'a, H: ?Sized> {
    pub request: &'a Request<'a, H>,
    /// The path in the form for comparison.
    pub path: &'a [u8],
    pub query: &'a [u8],
    pub buffer: &'a mut Vec<u8>,
}

impl<H: Headers + ?Sized> Selection<'_, H> {
    /// What the request has there that is compared with exact values; none where it has nothing.
    pub fn value(&mut self, key: &Key) -> Option<&[u8]> {
        match key {
            Key::Method => Some(self.request.method),
            Key::Header(name) => header(self.request, name, self.buffer),
            Key::Query(name) => parameter(self.query, name, self.buffer),
        }
    }

    /// Whether every condition holds but those on the path that the index has looked at.
    pub fn fits_beside_index(&mut self, found: &Match) -> bool {
        let path = match &found.path {
            PathMatch::Exact(_) | PathMatch::Prefix(_) => true,
            PathMatch::Regex(pattern) => pattern.is_match(self.path),
        };
        path && self.fits_beside_path(found)
    }

    fn fits_beside_path(&mut self, found: &Match) -> bool {
        let Self { request, query, buffer, .. } = self;
        found.method.as_deref().is_none_or(|method| method == request.method)
            && found
                .headers
                .iter()
                .all(|c| header(request, &c.name, buffer).is_some_and(|v| passes(&c.test, v)))
            && found
                .query
                .iter()
                .all(|c| parameter(query, &c.name, buffer).is_some_and(|v| passes(&c.test, v)))
    }
}
