//! Targets in absolute form (RFC 9112 section 3.2.2): "http://host/path", as a client writes to a proxy.
//!
//! Varnish takes apart those that begin with http:// and have a path, and leaves the others.

use crate::message::{Message, NoRoom};

/// Brings a target in absolute form into origin form. Its host counts instead of the Host header.
pub fn to_origin(req: &mut Message<'_>) -> Result<(), NoRoom> {
    let Some((host, rest)) = split(req.url()) else { return Ok(()) };
    req.set(b"Host", host)?;
    // An empty path is the same as "/" (RFC 9110 section 4.2.3).
    let slash: &[u8] = if rest.starts_with(b"/") { b"" } else { b"/" };
    req.set_url(&[slash, rest])
}

/// The host, and the rest behind it; none for a target in another form.
pub fn split(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let schemes: [&[u8]; 2] = [b"http://", b"https://"];
    let scheme = schemes
        .iter()
        .find(|scheme| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))?;
    let rest = &target[scheme.len()..];
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    Some(rest.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_ends_where_path_query_or_target_begin() {
        let table = [
            ("http://a.io/b?c", Some(("a.io", "/b?c"))),
            ("HTTPS://a.io:8443/", Some(("a.io:8443", "/"))),
            ("http://a.io", Some(("a.io", ""))),
            ("http://a.io?b=/c", Some(("a.io", "?b=/c"))),
            ("http://", Some(("", ""))),
            ("ftp://a.io/", None),
            ("http:/a.io", None),
            ("/http://a.io/", None),
            ("*", None),
            ("", None),
        ];
        for (target, expected) in table {
            let found = split(target.as_bytes());
            let expected = expected.map(|(host, rest)| (host.as_bytes(), rest.as_bytes()));
            assert_eq!(found, expected, "{target}");
        }
    }
}
