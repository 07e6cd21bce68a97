//! The head of a request to a backend (RFC 9112 section 3), apart from any socket.

use crate::hop::is_always_hop_by_hop;

/// Why a request cannot be sent. It is never the backend's fault, and a gateway answers 500.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    /// The method is no token, or is CONNECT, which asks for a tunnel.
    #[error("the method is not one that a gateway can pass on")]
    Method,
    /// The target is empty, or holds what no target may hold: a blank, a control character, a byte beyond ASCII, or
    /// a fragment.
    #[error("the target holds a character that it must not")]
    Target,
    /// The host is empty, or holds a blank or a control character.
    #[error("the host holds a character that it must not")]
    Host,
    /// A field's name is no token.
    #[error("a header field's name is no token")]
    FieldName,
    /// A field's value holds CR, LF, NUL or another control character.
    #[error("a header field's value holds a control character")]
    FieldValue,
}

/// The head of a request, serialised as its parts come. Fields that concern this hop, framing and Host are
/// the upstream's own and cannot be added.
#[derive(Debug)]
pub struct RequestHead {
    bytes: Vec<u8>,
    pub(crate) is_head: bool,
    pub(crate) is_idempotent: bool,
    expects_body: bool,
}

impl RequestHead {
    /// Begins a head. `target` is what stands between method and version: a path with its query, or "*".
    pub fn new(method: &[u8], target: &[u8], host: &[u8]) -> Result<Self, InvalidRequest> {
        if method.is_empty() || !all(method, is_token) || method == b"CONNECT" {
            return Err(InvalidRequest::Method);
        }
        if target.is_empty() || !all(target, is_target) {
            return Err(InvalidRequest::Target);
        }
        if host.is_empty() || !all(host, is_visible) {
            return Err(InvalidRequest::Host);
        }
        let mut bytes = crate::buffers::REQUESTS.take();
        bytes.clear();
        for part in [method, b" ", target, b" HTTP/1.1\r\nHost: ", host, b"\r\n"] {
            bytes.extend_from_slice(part);
        }
        Ok(RequestHead {
            bytes,
            is_head: method == b"HEAD",
            is_idempotent: is_idempotent(method),
            expects_body: matches!(method, b"POST" | b"PUT" | b"PATCH"),
        })
    }

    /// Adds a header field. Host, Content-Length, Expect (the gateway answers it) and the fields that
    /// always concern one hop are passed over. The caller leaves out those that the client's Connection
    /// lists ([`is_hop_by_hop`](crate::is_hop_by_hop)); what a route's own filter adds is not touched by it.
    pub fn field(&mut self, name: &[u8], value: &[u8]) -> Result<(), InvalidRequest> {
        if name.is_empty() || !all(name, is_token) {
            return Err(InvalidRequest::FieldName);
        }
        if !all(value, is_field_value) {
            return Err(InvalidRequest::FieldValue);
        }
        if is_upstreams_own(name) {
            return Ok(());
        }
        for part in [name, b": ", value.trim_ascii(), b"\r\n"] {
            self.bytes.extend_from_slice(part);
        }
        Ok(())
    }

    /// How many bytes it has so far, without the framing of its body.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Ends the head with the framing of its body.
    pub(crate) fn finish(mut self, length: BodyLength) -> FinishedHead {
        match length {
            BodyLength::Empty if !self.expects_body => {}
            BodyLength::Empty => self.bytes.extend_from_slice(b"Content-Length: 0\r\n"),
            BodyLength::Known(length) => {
                let line = format!("Content-Length: {length}\r\n");
                self.bytes.extend_from_slice(line.as_bytes());
            }
            BodyLength::Chunked => self.bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        }
        self.bytes.extend_from_slice(b"\r\n");
        FinishedHead { bytes: self.bytes, is_head: self.is_head, is_idempotent: self.is_idempotent }
    }
}

/// How the body of a request is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyLength {
    Empty,
    Known(u64),
    Chunked,
}

/// A head that is ready to be sent, more than once if need be.
#[derive(Debug)]
pub(crate) struct FinishedHead {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_head: bool,
    pub(crate) is_idempotent: bool,
}

/// RFC 9110 section 9.2.2. A method that nobody knows may do anything.
fn is_idempotent(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE" | b"PUT" | b"DELETE")
}

fn is_upstreams_own(name: &[u8]) -> bool {
    const OWN: [&[u8]; 3] = [b"host", b"content-length", b"expect"];
    OWN.iter().any(|own| name.eq_ignore_ascii_case(own)) || is_always_hop_by_hop(name)
}

/// Whether every byte is of this kind. Each is looked at, which is faster than to end with the first that is not.
fn all(text: &[u8], is_of_kind: impl Fn(u8) -> bool) -> bool {
    text.iter().fold(true, |all, &byte| all & is_of_kind(byte))
}

/// RFC 9110 section 5.6.2.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let is_symbol = matches!(
            byte as u8,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        );
        table[byte] = is_symbol || (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// What may stand in a target or host: no blank, no control character. Bytes above ASCII are let
/// through, as many clients send them in a path.
/// RFC 9112 section 3.2: a fragment is no part of a target.
fn is_target(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'#'
}

fn is_visible(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f
}

fn is_field_value(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(method: &str, fields: &[(&str, &str)], length: BodyLength) -> String {
        let mut head = RequestHead::new(method.as_bytes(), b"/a?b=c", b"a.io:8080").unwrap();
        for (name, value) in fields {
            head.field(name.as_bytes(), value.as_bytes()).unwrap();
        }
        String::from_utf8(head.finish(length).bytes).unwrap()
    }

    #[test]
    fn a_head_has_its_own_framing_whatever_the_client_sent() {
        let fields = [
            ("Accept", " */* "),
            ("Content-Length", "7"),
            ("transfer-encoding", "chunked"),
            ("Expect", "100-continue"),
            ("Host", "evil.io"),
            ("Connection", "close"),
            ("Upgrade", "h2c"),
            ("Cookie", "a"),
            ("Cookie", "b"),
        ];
        let start = "GET /a?b=c HTTP/1.1\r\nHost: a.io:8080\r\n";
        let kept = "Accept: */*\r\nCookie: a\r\nCookie: b\r\n";
        let table = [
            (BodyLength::Empty, ""),
            (BodyLength::Known(12), "Content-Length: 12\r\n"),
            (BodyLength::Chunked, "Transfer-Encoding: chunked\r\n"),
        ];
        for (length, framing) in table {
            assert_eq!(written("GET", &fields, length), format!("{start}{kept}{framing}\r\n"));
        }
    }

    #[test]
    fn a_method_that_announces_a_body_says_that_there_is_none() {
        for (method, want) in [("POST", true), ("PUT", true), ("GET", false), ("DELETE", false)] {
            let head = written(method, &[], BodyLength::Empty);
            assert_eq!(head.contains("Content-Length: 0\r\n"), want, "{method}");
        }
    }

    #[test]
    fn what_could_end_a_line_early_is_refused() {
        let new = |method: &str, target: &str, host: &str| {
            RequestHead::new(method.as_bytes(), target.as_bytes(), host.as_bytes()).err()
        };
        assert_eq!(new("GET", "/", "a.io"), None);
        for method in ["", "G T", "GET\r\n", "CONNECT", "GET\0"] {
            assert_eq!(new(method, "/", "a.io"), Some(InvalidRequest::Method));
        }
        for target in ["", "/a b", "/\r\nX: y", "/\0", "/\u{7f}"] {
            assert_eq!(new("GET", target, "a.io"), Some(InvalidRequest::Target));
        }
        for host in ["", "a io", "a.io\r\nX: y", "a.io\0"] {
            assert_eq!(new("GET", "/", host), Some(InvalidRequest::Host));
        }
        let mut head = RequestHead::new(b"GET", b"/", b"a.io").unwrap();
        for name in ["", "a b", "a:", "a\r\n", "\u{e4}"] {
            let refused = head.field(name.as_bytes(), b"x");
            assert_eq!(refused, Err(InvalidRequest::FieldName), "{name:?}");
        }
        for value in ["a\r\nb", "a\rb", "a\nb", "a\0b", "\u{7f}"] {
            let refused = head.field(b"a", value.as_bytes());
            assert_eq!(refused, Err(InvalidRequest::FieldValue), "{value:?}");
        }
        head.field(b"a", b"\xe4\tb").unwrap();
    }

    #[test]
    fn a_token_is_made_of_the_rfcs_bytes() {
        for byte in 0..=u8::MAX {
            let expected = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            assert_eq!(is_token(byte), expected, "{}", byte.escape_ascii());
        }
    }

    #[test]
    fn only_methods_that_the_rfc_calls_idempotent_are() {
        for method in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"] {
            assert!(is_idempotent(method.as_bytes()), "{method}");
        }
        for method in ["POST", "PATCH", "get", "PURGE"] {
            assert!(!is_idempotent(method.as_bytes()), "{method}");
        }
    }
}
