//! X-Forwarded-For, -Proto and -Host: whom to believe.
//!
//! What a client says of itself is discarded unless it is a trusted hop, in these fields and in others of the
//! same meaning ([`CLAIMS`]). Of a chain that a trusted hop hands on, the addresses are believed from the
//! right up to the first that is no trusted hop: that one was written by a trusted hop, and is kept, while
//! everything left of it is only what its owner claims.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};

use ghost_config::{Networks, Scheme};

use crate::request::Headers;

/// The values to be sent to the backend, instead of every line of these names that came in.
#[derive(Debug, Default)]
pub struct Forwarded {
    /// X-Forwarded-For.
    pub chain: Vec<u8>,
    /// X-Forwarded-Proto.
    pub proto: Vec<u8>,
    /// X-Forwarded-Host.
    pub host: Vec<u8>,
}

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// Address of the connection's other end, or what a PROXY header said of it.
    pub peer: IpAddr,
    /// Scheme of the listener.
    pub scheme: Scheme,
    /// Value of the Host header.
    pub host: &'a [u8],
}

/// Fields that say where a request came from, in a way that the gateway does not speak itself (Forwarded is of RFC
/// 7239). Of a client that is no trusted hop, they are not passed on.
pub const CLAIMS: [&[u8]; 2] = [b"forwarded", b"x-forwarded-port"];

impl Forwarded {
    /// Fills in the values for a request, reusing the buffers. `headers` are what came in, before anybody
    /// else added to them.
    pub fn fill<H: Headers + ?Sized>(&mut self, trusted: &Networks, origin: &Origin<'_>, headers: &H) {
        self.chain.clear();
        self.proto.clear();
        self.host.clear();
        if trusted.contains(origin.peer) {
            join(headers, b"x-forwarded-for", &mut self.chain);
            join(headers, b"x-forwarded-proto", &mut self.proto);
            join(headers, b"x-forwarded-host", &mut self.host);
            keep_believed(trusted, &mut self.chain);
        }
        if !self.chain.is_empty() {
            self.chain.extend_from_slice(b", ");
        }
        write!(self.chain, "{}", origin.peer.to_canonical()).expect("writing to a Vec cannot fail");
        if self.proto.is_empty() {
            self.proto.extend_from_slice(origin.scheme.as_str().as_bytes());
        }
        if self.host.is_empty() {
            self.host.extend_from_slice(origin.host);
        }
    }
}

/// Joins the lines of a name as one list.
fn join<H: Headers + ?Sized>(headers: &H, name: &[u8], out: &mut Vec<u8>) {
    for (_, value) in headers.lines().filter(|(found, _)| found.eq_ignore_ascii_case(name)) {
        let value = value.trim_ascii();
        if !out.is_empty() && !value.is_empty() {
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(value);
    }
}

/// Cuts from the left of a chain what nobody trusted vouches for.
fn keep_believed(trusted: &Networks, chain: &mut Vec<u8>) {
    // Bytes from the right, each element with the comma before it.
    let mut believed = 0;
    for element in chain.rsplit(|byte| *byte == b',') {
        let Some(address) = address(element.trim_ascii()) else { break };
        believed += element.len() + 1;
        if !trusted.contains(address) {
            break;
        }
    }
    let cut = (chain.len() + 1 - believed).min(chain.len());
    let blank = chain[cut..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    chain.drain(..cut + blank);
}

/// An element of the chain: an address, which some proxies write with its port. Anything else ("unknown",
/// a name) is nothing that could be believed.
fn address(element: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(element).ok()?;
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| bracketed().map(IpAddr::V6))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "10.0.0.9";

    fn forwarded(peer: &str, headers: &[(&str, &str)]) -> (String, String, String) {
        let trusted = ["10.0.0.0/8", "2001:db8::/32"].iter().map(|text| text.parse().unwrap()).collect();
        let origin = Origin { peer: peer.parse().unwrap(), scheme: Scheme::Https, host: b"a.io:8443" };
        let mut values = Forwarded { chain: b"left".into(), proto: b"over".into(), host: b"x".into() };
        values.fill(&trusted, &origin, headers);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(values.chain), text(values.proto), text(values.host))
    }

    fn chain(peer: &str, lines: &[&str]) -> String {
        let headers: Vec<_> = lines.iter().map(|line| ("X-Forwarded-For", *line)).collect();
        forwarded(peer, &headers).0
    }

    #[test]
    fn what_a_client_says_of_itself_is_discarded() {
        let headers =
            [("x-forwarded-for", "10.0.0.1"), ("x-forwarded-proto", "http"), ("x-forwarded-host", "evil.io")];
        let (chain, proto, host) = forwarded("192.0.2.1", &headers);
        assert_eq!((&*chain, &*proto, &*host), ("192.0.2.1", "https", "a.io:8443"));
    }

    #[test]
    fn a_trusted_hop_is_believed() {
        let headers =
            [("x-forwarded-for", "192.0.2.1"), ("X-Forwarded-Proto", "http"), ("X-FORWARDED-HOST", "b.io")];
        let (chain, proto, host) = forwarded(PEER, &headers);
        assert_eq!((&*chain, &*proto, &*host), ("192.0.2.1, 10.0.0.9", "http", "b.io"));
        let (chain, proto, host) = forwarded(PEER, &[]);
        assert_eq!((&*chain, &*proto, &*host), (PEER, "https", "a.io:8443"));
    }

    #[test]
    fn the_chain_ends_at_the_first_address_from_the_right_that_is_not_trusted() {
        let table: &[(&[&str], &str)] = &[
            (&["198.51.100.7, 192.0.2.1"], "192.0.2.1, 10.0.0.9"),
            (&["198.51.100.7, 192.0.2.1, 10.1.1.1"], "192.0.2.1, 10.1.1.1, 10.0.0.9"),
            (&["10.2.2.2,10.1.1.1"], "10.2.2.2,10.1.1.1, 10.0.0.9"),
            (&["198.51.100.7", "192.0.2.1", "10.1.1.1"], "192.0.2.1, 10.1.1.1, 10.0.0.9"),
            (&["unknown, 10.1.1.1"], "10.1.1.1, 10.0.0.9"),
            (&["192.0.2.1, unknown"], "10.0.0.9"),
            (&["192.0.2.1, "], "10.0.0.9"),
            (&[""], "10.0.0.9"),
            (&["192.0.2.1:4711, 10.1.1.1:80"], "192.0.2.1:4711, 10.1.1.1:80, 10.0.0.9"),
            (
                &["[2001:db8::1]:80, 2001:db8::2, [2001:db8::3]"],
                "[2001:db8::1]:80, 2001:db8::2, [2001:db8::3], 10.0.0.9",
            ),
            (&["192.0.2.1, ::ffff:10.0.0.1"], "192.0.2.1, ::ffff:10.0.0.1, 10.0.0.9"),
        ];
        for (lines, expected) in table {
            assert_eq!(chain(PEER, lines), *expected, "{lines:?}");
        }
    }

    #[test]
    fn an_ipv4_peer_on_an_ipv6_socket_is_the_ipv4_address() {
        assert_eq!(chain("::ffff:10.0.0.9", &["192.0.2.1"]), "192.0.2.1, 10.0.0.9");
        assert_eq!(chain("2001:db8::1", &["192.0.2.1"]), "192.0.2.1, 2001:db8::1");
    }
}
