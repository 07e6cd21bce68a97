//! The Host header.

use std::net::Ipv6Addr;

/// The host that a request names: what stands in the Host header, without its port and one trailing dot.
/// Case is left as it is. `None` where the header is empty or no host.
pub fn parse(header: &[u8]) -> Option<&[u8]> {
    let host = match header {
        [b'[', ..] => literal(header)?,
        _ => name(header)?,
    };
    (!host.is_empty()).then_some(host)
}

fn name(header: &[u8]) -> Option<&[u8]> {
    let colon = header.iter().position(|byte| *byte == b':').unwrap_or(header.len());
    let (host, port) = header.split_at(colon);
    let host = host.strip_suffix(b".").unwrap_or(host);
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (is_port(port) && host.iter().all(plain)).then_some(host)
}

/// An IPv6 address in brackets.
fn literal(header: &[u8]) -> Option<&[u8]> {
    let close = header.iter().position(|byte| *byte == b']')?;
    let (host, port) = header.split_at(close + 1);
    let address = str::from_utf8(&host[1..close]).ok()?;
    (is_port(port) && address.parse::<Ipv6Addr>().is_ok()).then_some(host)
}

/// Nothing, or a colon and at most digits.
fn is_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_without_port_and_trailing_dot() {
        let table = [
            ("a.io", "a.io"),
            ("A.io:8080", "A.io"),
            ("a.io.", "a.io"),
            ("a.io.:80", "a.io"),
            ("a.io:", "a.io"),
            ("192.0.2.1:80", "192.0.2.1"),
            ("[::1]:80", "[::1]"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("a_b-c.io", "a_b-c.io"),
        ];
        for (header, host) in table {
            assert_eq!(parse(header.as_bytes()), Some(host.as_bytes()), "{header}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let table = [
            "", ".", ":80", "a b", "a/b", "a@b", "a,b", "a:80:80", "a:8x", "::1", "[::1", "[::1]x", "[a]",
            "[::1]:x", "é", "a\0", "a%41", "a?b", "a#b", "a\\b", "*.a",
        ];
        for header in table {
            assert_eq!(parse(header.as_bytes()), None, "{header:?}");
        }
    }
}
