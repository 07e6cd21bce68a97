//! Requests that are malformed, and that varnishd takes all the same.
//!
//! varnishd turns a request of HTTP/2 into the form of HTTP/1.1: `:method` and `:path` become the request line,
//! `:scheme` a field "scheme", and `:authority` a field "host". It keeps the fields in their order, in one piece
//! of memory. An `:authority` behind a field cannot be told from a field "host" there, which may stand anywhere.

use crate::message::Message;

/// Fields that speak of a connection, which no message of HTTP/2 has (RFC 9113 section 8.2.2).
const CONNECTION_SPECIFIC: [&[u8]; 5] =
    [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"];

/// What is wrong with a request as it was received; none where nothing is.
pub fn fault(req: &Message<'_>) -> Option<&'static str> {
    let protocol = req.protocol();
    if protocol == b"HTTP/2.0" {
        return http2_fault(req);
    }
    // Its name is case-sensitive (RFC 9112 section 2.3).
    (!protocol.starts_with(b"HTTP/")).then_some("the version is not written as HTTP/1.1")
}

/// Whether a request has more than one Transfer-Encoding field. varnishd reads the first alone, while chunked
/// must be the last coding of all, and be applied once (RFC 9112 sections 6.1 and 6.3).
pub fn has_further_coding(req: &Message<'_>) -> bool {
    req.fields().filter(|(name, _)| name.eq_ignore_ascii_case(b"transfer-encoding")).nth(1).is_some()
}

fn http2_fault(req: &Message<'_>) -> Option<&'static str> {
    let is_leading = |(name, _): &(&[u8], &[u8])| matches!(*name, b"scheme" | b"host");
    let leading = req.fields().take(2).take_while(is_leading);
    if !leading.clone().any(|(name, _)| name == b"scheme") {
        // A request of HTTP/2 has a scheme, and varnishd insists on it. Without one, this is the request of HTTP/1.1
        // that asked for an upgrade to h2c, which speaks of its own connection.
        return req
            .fields()
            .any(|(name, _)| name == b"scheme")
            .then_some("a pseudo-header field stands behind another field");
    }
    let mut regular = req.fields().skip(leading.count());
    let first = regular.clone().next();
    // Method and target have no place among the fields, but in memory.
    let is_late = |part: &[u8]| first.is_some_and(|(name, _)| part.as_ptr() > name.as_ptr());
    if is_late(req.method()) || is_late(req.url()) {
        return Some("a pseudo-header field stands behind another field");
    }
    regular
        .any(|(name, value)| is_connection_specific(name, value))
        .then_some("a field of HTTP/2 speaks of the connection")
}

fn is_connection_specific(name: &[u8], value: &[u8]) -> bool {
    // The one thing that TE may say is that trailers are welcome.
    CONNECTION_SPECIFIC.contains(&name) || name == b"te" && !value.eq_ignore_ascii_case(b"trailers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_of_a_connection_is_known() {
        let table = [
            ("connection", "close", true),
            ("keep-alive", "timeout=5", true),
            ("proxy-connection", "keep-alive", true),
            ("transfer-encoding", "chunked", true),
            ("upgrade", "websocket", true),
            ("te", "gzip", true),
            ("te", "trailers, gzip", true),
            ("te", "trailers", false),
            ("te", "Trailers", false),
            ("trailer", "x", false),
            ("x-connection", "close", false),
        ];
        for (name, value, expected) in table {
            assert_eq!(
                is_connection_specific(name.as_bytes(), value.as_bytes()),
                expected,
                "{name}: {value}"
            );
        }
    }
}
