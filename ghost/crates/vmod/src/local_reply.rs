//! What ghost answers by itself: redirects, refusals, and the result of a reload.

use ghost_config::{Listener, Redirect};
use ghost_route::target;

use crate::counters::{count, counters};
use crate::fetch::reason;
use crate::message::Message;
use crate::scratch;

/// The type of every answer in words.
pub const TEXT: &[u8] = b"text/plain; charset=utf-8";

/// A local reply.
pub struct LocalReply {
    /// Its status.
    pub status: u16,
    /// Its header fields, beside what Varnish adds.
    pub fields: Vec<(&'static [u8], Vec<u8>)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl LocalReply {
    /// An answer that says its status in words.
    pub fn status(status: u16) -> Self {
        Self::in_words(status, &reason(status).to_string_lossy())
    }

    /// Counts it by its status.
    pub fn count(&self) {
        let counters = counters();
        count(match self.status {
            300..=399 => &counters.redirected,
            400 | 414 | 431 | 501 => &counters.malformed,
            404 => &counters.unmatched,
            503 => &counters.unavailable,
            _ => &counters.broken,
        });
    }

    fn in_words(status: u16, words: &str) -> Self {
        Self {
            status,
            fields: vec![(b"Content-Type", TEXT.to_vec())],
            body: format!("{status} {words}\n").into_bytes(),
        }
    }

    /// The answer of a redirect to a request whose path fits by this prefix.
    pub fn redirect_of(redirect: &Redirect, listener: &Listener, req: &Message<'_>, prefix: &[u8]) -> Self {
        let host = req.field(b"host").unwrap_or_default();
        let mut location = Vec::new();
        scratch::with(|buffers| {
            target::location(redirect, listener, host, req.url(), prefix, &mut buffers.route, &mut location);
        });
        let mut answer = Self::in_words(redirect.status, "Redirect");
        answer.fields.push((b"Location", location));
        answer
    }
}
