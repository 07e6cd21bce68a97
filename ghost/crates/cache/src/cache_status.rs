//! The member that this cache adds to Cache-Status (RFC 9211), as a client sees it.

use std::fmt::{self, Write};

/// What became of a request, as one member of Cache-Status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheStatus<'a> {
    /// The name of this cache.
    pub cache: &'a str,
    /// Whether the cache answered, or why the request went on.
    pub handling: Handling,
    /// The status that the next server answered with, where it is not that of the response.
    pub forward_status: Option<u16>,
    /// For how many seconds the response is still fresh: negative for one that is stale, and none
    /// where it is not known.
    pub ttl: Option<i64>,
    /// Whether the response was stored; counts for what was forwarded only.
    pub stored: bool,
    /// Whether the request waited for another one's response, and got it.
    pub collapsed: bool,
    /// The key, for those who may see it.
    pub key: Option<&'a [u8]>,
    /// Anything else, such as why the response was not stored.
    pub detail: Option<&'a str>,
}

/// Whether the cache answered (RFC 9211 sections 2.1 and 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// It did, without asking the origin.
    Hit,
    /// The request was forwarded.
    Forward(Forward),
}

/// Why a request was forwarded (RFC 9211 section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// The cache was not to handle it.
    Bypass,
    /// Its method is none that a cache answers.
    Method,
    /// Nothing is stored for its URI.
    UriMiss,
    /// Something is, but not for what its header fields select.
    VaryMiss,
    /// Nothing is stored, and it is not known which of the two it was.
    Miss,
    /// A fresh response is stored, and the request's own directives do not want it.
    Request,
    /// What is stored is stale.
    Stale,
    /// What is stored is only a part of what is asked for.
    Partial,
}

impl Forward {
    /// The token for `fwd`.
    pub fn token(self) -> &'static str {
        match self {
            Forward::Bypass => "bypass",
            Forward::Method => "method",
            Forward::UriMiss => "uri-miss",
            Forward::VaryMiss => "vary-miss",
            Forward::Miss => "miss",
            Forward::Request => "request",
            Forward::Stale => "stale",
            Forward::Partial => "partial",
        }
    }
}

impl<'a> CacheStatus<'a> {
    /// A hit that is fresh for so many seconds more.
    pub fn hit(cache: &'a str, ttl: i64) -> Self {
        Self { ttl: Some(ttl), ..Self::new(cache, Handling::Hit) }
    }

    /// A request that was forwarded.
    pub fn forward(cache: &'a str, why: Forward) -> Self {
        Self::new(cache, Handling::Forward(why))
    }

    fn new(cache: &'a str, handling: Handling) -> Self {
        Self {
            cache,
            handling,
            forward_status: None,
            ttl: None,
            stored: false,
            collapsed: false,
            key: None,
            detail: None,
        }
    }

    /// Writes the member, in the form of structured fields (RFC 9651). Allocates nothing itself.
    ///
    /// # Errors
    /// Those of what it is written to.
    pub fn write(&self, out: &mut (impl Write + ?Sized)) -> fmt::Result {
        if is_token(self.cache) {
            out.write_str(self.cache)?
        } else {
            string(self.cache.as_bytes(), out)?
        }
        match self.handling {
            Handling::Hit => out.write_str("; hit")?,
            Handling::Forward(why) => write!(out, "; fwd={}", why.token())?,
        }
        if let Handling::Forward(_) = self.handling {
            if let Some(status) = self.forward_status {
                write!(out, "; fwd-status={status}")?;
            }
            if self.stored {
                out.write_str("; stored")?;
            }
            if self.collapsed {
                out.write_str("; collapsed")?;
            }
        }
        if let Some(ttl) = self.ttl {
            // An Integer has 15 digits at most (RFC 9651 section 3.3.1).
            write!(out, "; ttl={}", ttl.clamp(-999_999_999_999_999, 999_999_999_999_999))?;
        }
        if let Some(key) = self.key {
            out.write_str("; key=")?;
            string(key, out)?;
        }
        if let Some(detail) = self.detail {
            out.write_str("; detail=")?;
            if is_token(detail) { out.write_str(detail)? } else { string(detail.as_bytes(), out)? }
        }
        Ok(())
    }
}

impl fmt::Display for CacheStatus<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

/// Whether a text is a Token (RFC 9651 section 3.3.4).
fn is_token(text: &str) -> bool {
    let is_inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(byte);
    text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'*')
        && text.as_bytes().iter().all(is_inner)
}

/// Writes a String (RFC 9651 section 3.3.3). What none can hold is percent-encoded.
fn string(text: &[u8], out: &mut (impl Write + ?Sized)) -> fmt::Result {
    out.write_char('"')?;
    for &byte in text {
        match byte {
            b'"' | b'\\' => {
                out.write_char('\\')?;
                out.write_char(char::from(byte))?;
            }
            b' '..=b'~' => out.write_char(char::from(byte))?,
            _ => write!(out, "%{byte:02X}")?,
        }
    }
    out.write_char('"')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sfv::visitor::Ignored;

    use super::*;

    #[test]
    fn a_member_says_what_became_of_the_request() {
        let hit = CacheStatus::hit("varnish-gateway", 376);
        let forward = |why| CacheStatus::forward("varnish-gateway", why);
        let table = [
            // RFC 9211 section 4
            (hit, "varnish-gateway; hit; ttl=376"),
            (CacheStatus { ttl: Some(-412), ..hit }, "varnish-gateway; hit; ttl=-412"),
            (forward(Forward::UriMiss), "varnish-gateway; fwd=uri-miss"),
            (
                CacheStatus { stored: true, ttl: Some(60), ..forward(Forward::UriMiss) },
                "varnish-gateway; fwd=uri-miss; stored; ttl=60",
            ),
            (
                CacheStatus { collapsed: true, ..forward(Forward::UriMiss) },
                "varnish-gateway; fwd=uri-miss; collapsed",
            ),
            (
                CacheStatus { forward_status: Some(304), ..forward(Forward::Stale) },
                "varnish-gateway; fwd=stale; fwd-status=304",
            ),
            (forward(Forward::Bypass), "varnish-gateway; fwd=bypass"),
            (forward(Forward::Method), "varnish-gateway; fwd=method"),
            (forward(Forward::VaryMiss), "varnish-gateway; fwd=vary-miss"),
            (forward(Forward::Miss), "varnish-gateway; fwd=miss"),
            (forward(Forward::Request), "varnish-gateway; fwd=request"),
            (forward(Forward::Partial), "varnish-gateway; fwd=partial"),
            (
                CacheStatus { detail: Some("no-store"), ..forward(Forward::Miss) },
                "varnish-gateway; fwd=miss; detail=no-store",
            ),
            (
                CacheStatus { detail: Some("it is stale"), key: Some(b"host=a.io \"x\\\" \xe9\0"), ..hit },
                "varnish-gateway; hit; ttl=376; key=\"host=a.io \\\"x\\\\\\\" %E9%00\"; detail=\"it is stale\"",
            ),
            (CacheStatus { cache: "infra/my gateway", ..hit }, "\"infra/my gateway\"; hit; ttl=376"),
            (CacheStatus { cache: "1st", ..hit }, "\"1st\"; hit; ttl=376"),
            (CacheStatus { ttl: Some(i64::MIN), ..hit }, "varnish-gateway; hit; ttl=-999999999999999"),
            // what was not forwarded was not stored either
            (CacheStatus { stored: true, collapsed: true, ..hit }, "varnish-gateway; hit; ttl=376"),
        ];
        for (status, want) in table {
            assert_eq!(status.to_string(), want);
        }
    }

    proptest! {
        #[test]
        fn whatever_it_says_is_a_list_of_structured_fields(
            cache in ".*",
            key in any::<Vec<u8>>(),
            detail in ".*",
            ttl in any::<i64>(),
            status in any::<u16>(),
        ) {
            let all = CacheStatus {
                key: Some(&key),
                detail: Some(&detail),
                ttl: Some(ttl),
                forward_status: Some(status),
                stored: true,
                collapsed: true,
                ..CacheStatus::forward(&cache, Forward::Stale)
            };
            let line = all.to_string();
            prop_assert!(sfv::Parser::new(&line).parse_list_with_visitor(Ignored).is_ok(), "{}", line);
        }
    }
}
