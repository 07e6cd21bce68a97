//! Whether a request looks into the cache, decided when it comes in. Allocates nothing.

use std::fmt;

use ghost_route::Headers;

use crate::cache_control::RequestDirectives;
use crate::policy::{Authorization, Policy};
use crate::{cookie, list};

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// It looks into the cache, with these wishes: none where the policy does not heed clients.
    Cache(RequestDirectives),
    /// It goes past the cache, and its response is not stored.
    Pass(Bypassed),
}

/// Why a request goes past the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bypassed {
    /// Its method is none that a cache answers (RFC 9111 section 4).
    Method,
    /// It has a body, which may change the response and is no part of the key (RFC 9110 section
    /// 9.3.1).
    Body,
    /// The policy's method with this index.
    PolicyMethod(usize),
    /// The policy's cookie with this index.
    Cookie(usize),
    /// The policy's header field with this index.
    Header(usize),
    /// It has Authorization, and the policy says so.
    Authorization,
    /// It says `no-store`, and the policy heeds clients (RFC 9111 section 5.2.1.5).
    NoStore,
}

/// Decides for a request. A body that is known to be empty is none.
pub fn decide<H: Headers + ?Sized>(policy: &Policy, method: &[u8], has_body: bool, headers: &H) -> Lookup {
    if !is_cacheable(method) {
        return Lookup::Pass(Bypassed::Method);
    }
    if has_body {
        return Lookup::Pass(Bypassed::Body);
    }
    if let Some(index) = policy.bypass.methods.iter().position(|other| **other == *method) {
        return Lookup::Pass(Bypassed::PolicyMethod(index));
    }
    if let Some(bypassed) = headers.lines().find_map(|(name, value)| by_line(policy, name, value)) {
        return Lookup::Pass(bypassed);
    }
    if !policy.heed_clients {
        return Lookup::Cache(RequestDirectives::default());
    }
    let lines = |name: &'static str| {
        let is_it = move |(other, _): &(&[u8], &[u8])| other.eq_ignore_ascii_case(name.as_bytes());
        headers.lines().filter(is_it).map(|(_, value)| value)
    };
    let wishes = RequestDirectives::read(lines("cache-control"), lines("pragma"));
    if wishes.no_store { Lookup::Pass(Bypassed::NoStore) } else { Lookup::Cache(wishes) }
}

/// Whether a cache answers this method: GET, and HEAD from what GET got (RFC 9110 section 9.3.2).
pub fn is_cacheable(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD")
}

fn by_line(policy: &Policy, name: &[u8], value: &[u8]) -> Option<Bypassed> {
    let bypass = &policy.bypass;
    if !bypass.cookies.is_empty() && name.eq_ignore_ascii_case(b"cookie") {
        let of = |name| bypass.cookies.iter().position(|pattern| pattern.fits(name));
        if let Some(index) = cookie::pairs(value).find_map(|(name, _)| of(name)) {
            return Some(Bypassed::Cookie(index));
        }
    }
    if policy.storage.authorization == Authorization::Bypass && name.eq_ignore_ascii_case(b"authorization") {
        return Some(Bypassed::Authorization);
    }
    let fits = |test: &Option<Box<[u8]>>| test.as_ref().is_none_or(|wanted| **wanted == *list::trim(value));
    let is_it = |other: &[u8]| name.eq_ignore_ascii_case(other);
    bypass.headers.iter().position(|test| is_it(&test.name) && fits(&test.value)).map(Bypassed::Header)
}

impl fmt::Display for Bypassed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bypassed::Method => f.write_str("no cache answers its method (RFC 9111 section 4)"),
            Bypassed::Body => {
                f.write_str("it has a body, which the key does not tell (RFC 9110 section 9.3.1)")
            }
            Bypassed::PolicyMethod(index) => write!(f, "its method is the policy's bypass method {index}"),
            Bypassed::Cookie(index) => write!(f, "it has the policy's bypass cookie {index}"),
            Bypassed::Header(index) => write!(f, "it has the policy's bypass header {index}"),
            Bypassed::Authorization => f.write_str("it has Authorization, which the policy does not cache"),
            Bypassed::NoStore => f.write_str("the client says no-store (RFC 9111 section 5.2.1.5)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{HeaderTest, NamePattern};

    fn policy() -> Policy {
        let mut policy = Policy::default();
        policy.bypass.cookies = vec![NamePattern::from("session"), NamePattern::from("wp_*")];
        policy.bypass.headers = vec![
            HeaderTest { name: b"x-preview".as_slice().into(), value: None },
            HeaderTest { name: b"x-cache".as_slice().into(), value: Some(b"off".as_slice().into()) },
        ];
        policy.bypass.methods = vec![b"HEAD".as_slice().into()];
        policy
    }

    fn decide(policy: &Policy, method: &str, headers: &[(&str, &str)]) -> Lookup {
        super::decide(policy, method.as_bytes(), false, headers)
    }

    #[test]
    fn a_request_goes_past_the_cache_as_the_policy_says() {
        use Bypassed::{Cookie, Header, Method, PolicyMethod};
        type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<Bypassed>);
        let table: [Row<'_>; 18] = [
            ("GET", &[], None),
            ("HEAD", &[], Some(PolicyMethod(0))),
            ("POST", &[], Some(Method)),
            ("OPTIONS", &[], Some(Method)),
            ("get", &[], Some(Method)),
            ("GET", &[("Cookie", "session=1")], Some(Cookie(0))),
            ("GET", &[("cookie", "a=1; session")], Some(Cookie(0))),
            ("GET", &[("Cookie", "a=1"), ("Cookie", "wp_x=1")], Some(Cookie(1))),
            ("GET", &[("Cookie", "Session=1; sessions=1; a=session")], None),
            ("GET", &[("Cookie", "wp=1")], None),
            ("GET", &[("X-Preview", "")], Some(Header(0))),
            ("GET", &[("X-Cache", " off ")], Some(Header(1))),
            ("GET", &[("X-Cache", "on")], None),
            ("GET", &[("X-Cache", "on"), ("X-Cache", "off")], Some(Header(1))),
            // RFC 9111 section 3.5 is about the response
            ("GET", &[("Authorization", "x")], None),
            // clients are not heeded
            ("GET", &[("Cache-Control", "no-store")], None),
            ("GET", &[("Cache-Control", "no-cache")], None),
            ("GET", &[("Pragma", "no-cache")], None),
        ];
        for (method, headers, want) in table {
            let want = want.map_or(Lookup::Cache(RequestDirectives::default()), Lookup::Pass);
            assert_eq!(decide(&policy(), method, headers), want, "{method} {headers:?}");
        }
    }

    #[test]
    fn a_request_with_a_body_goes_past_the_cache() {
        // RFC 9110 section 9.3.1: what the body means is the origin's, and the key does not have it.
        for (method, has_body, want) in [
            ("GET", true, Lookup::Pass(Bypassed::Body)),
            ("HEAD", true, Lookup::Pass(Bypassed::Body)),
            ("POST", true, Lookup::Pass(Bypassed::Method)),
            ("GET", false, Lookup::Cache(RequestDirectives::default())),
        ] {
            let none: [(&str, &str); 0] = [];
            let found = super::decide(&Policy::default(), method.as_bytes(), has_body, &none[..]);
            assert_eq!(found, want, "{method} {has_body}");
        }
    }

    #[test]
    fn a_policy_can_heed_clients_and_shut_authorization_out() {
        let heeding = Policy { heed_clients: true, ..Policy::default() };
        let no_store = decide(&heeding, "GET", &[("Cache-Control", "no-store")]);
        assert_eq!(no_store, Lookup::Pass(Bypassed::NoStore));
        for (name, value) in [("cache-control", "no-cache"), ("Pragma", "no-cache")] {
            let wishes = RequestDirectives { no_cache: true, ..RequestDirectives::default() };
            assert_eq!(decide(&heeding, "GET", &[(name, value)]), Lookup::Cache(wishes), "{name}");
        }
        let mut shut = Policy::default();
        shut.storage.authorization = Authorization::Bypass;
        let found = decide(&shut, "HEAD", &[("Authorization", "x")]);
        assert_eq!(found, Lookup::Pass(Bypassed::Authorization));
    }
}
