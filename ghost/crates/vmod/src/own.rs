//! What ghost answers by itself: redirects, refusals, and the result of a reload.

use crate::fetch::reason;

/// The type of every answer in words.
pub const TEXT: &[u8] = b"text/plain; charset=utf-8";

/// An answer of ghost's own.
pub struct Own {
    /// Its status.
    pub status: u16,
    /// Its header fields, beside what Varnish adds.
    pub fields: Vec<(&'static [u8], Vec<u8>)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Own {
    /// An answer that says its status in words.
    pub fn status(status: u16) -> Self {
        Self::in_words(status, &reason(status).to_string_lossy())
    }

    fn in_words(status: u16, words: &str) -> Self {
        Self {
            status,
            fields: vec![(b"Content-Type", TEXT.to_vec())],
            body: format!("{status} {words}\n").into_bytes(),
        }
    }

    /// A redirect.
    pub fn redirect(status: u16, location: Vec<u8>) -> Self {
        let mut answer = Self::in_words(status, "Redirect");
        answer.fields.push((b"Location", location));
        answer
    }
}
