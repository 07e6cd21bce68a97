//! What a request that may change things makes invalid (RFC 9111 section 4.4).

use ghost_route::Headers;
use iri_string::format::ToDedicatedString;
use iri_string::types::{UriAbsoluteStr, UriReferenceStr, UriString};

use crate::key::normalise_host;
use crate::list::trim;

/// A request that was answered.
#[derive(Debug)]
pub struct Answered<'a, H: ?Sized> {
    /// Whether it came by https.
    pub is_https: bool,
    /// Value of its Host header.
    pub host: &'a [u8],
    /// Its method.
    pub method: &'a [u8],
    /// Its target: path and query.
    pub target: &'a [u8],
    /// The status of the response.
    pub status: u16,
    /// Header lines of the response.
    pub response: &'a H,
}

/// Whether a method may change something (RFC 9110 section 9.2.1). One that is not known may.
pub fn is_unsafe(method: &[u8]) -> bool {
    !matches!(method, b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE")
}

impl<H: Headers + ?Sized> Answered<'_, H> {
    /// The targets (path and query) under the request's host of which nothing stored is valid any
    /// more: the request's own, and those of Location and Content-Location that have the same
    /// origin. None where the method changes nothing, or the response is an error.
    pub fn invalidates(&self) -> Vec<Vec<u8>> {
        let mut targets = Vec::new();
        if !is_unsafe(self.method) || !(200..400).contains(&self.status) {
            return targets;
        }
        targets.push(self.target.to_vec());
        for name in ["location", "content-location"] {
            let mut lines = self.response.lines();
            let line = lines.find(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()));
            if let Some(target) = line.and_then(|(_, value)| self.resolve(trim(value)))
                && !targets.contains(&target)
            {
                targets.push(target);
            }
        }
        targets
    }

    /// The target that a reference (RFC 3986 section 4.1) stands for; none where it has another
    /// origin, or is no reference.
    fn resolve(&self, reference: &[u8]) -> Option<Vec<u8>> {
        let scheme = self.scheme();
        let base = [scheme.as_bytes(), b"://", self.host, self.target].concat();
        let base = UriAbsoluteStr::new(str::from_utf8(&base).ok()?).ok()?;
        let reference = UriReferenceStr::new(str::from_utf8(reference).ok()?).ok()?;
        let found: UriString = reference.resolve_against(base).try_to_dedicated_string().ok()?;
        let is_same = found.scheme_str().eq_ignore_ascii_case(scheme)
            && self.origin(found.authority_str()?.as_bytes()) == self.origin(self.host);
        if !is_same {
            return None;
        }
        let path = if found.path_str().is_empty() { "/" } else { found.path_str() };
        Some(match found.query_str() {
            Some(query) => format!("{path}?{query}").into_bytes(),
            None => path.as_bytes().to_vec(),
        })
    }

    fn scheme(&self) -> &'static str {
        if self.is_https { "https" } else { "http" }
    }

    /// Host and port of an authority; the port of the scheme where it has none.
    fn origin(&self, authority: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let host = normalise_host(authority, &mut Vec::new()).to_vec();
        let port = match authority.iter().rposition(|byte| matches!(byte, b':' | b']')) {
            Some(at) if authority[at] == b':' && at + 1 < authority.len() => &authority[at + 1..],
            _ if self.is_https => b"443",
            _ => b"80",
        };
        (host, port.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invalidated(method: &str, status: u16, response: &[(&str, &str)]) -> Vec<String> {
        let answered = Answered {
            is_https: true,
            host: b"a.io",
            method: method.as_bytes(),
            target: b"/x/y?z=1",
            status,
            response,
        };
        let text = |target: Vec<u8>| String::from_utf8(target).unwrap();
        answered.invalidates().into_iter().map(text).collect()
    }

    #[test]
    fn an_unsafe_request_that_succeeds_invalidates_its_target() {
        // RFC 9111 section 4.4
        for method in ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "post"] {
            for (status, is_done) in [(200, true), (204, true), (303, true), (199, false), (404, false)] {
                let want: &[&str] = if is_done { &["/x/y?z=1"] } else { &[] };
                assert_eq!(invalidated(method, status, &[]), want, "{method} {status}");
            }
            assert_eq!(invalidated(method, 500, &[("Location", "/")]), [""; 0], "{method} 500");
        }
        for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
            assert_eq!(invalidated(method, 200, &[("Location", "/")]), [""; 0], "{method}");
        }
    }

    #[test]
    fn what_location_names_goes_too_if_it_has_the_same_origin() {
        let table = [
            // RFC 3986 section 5.2
            ("/a?b=1", Some("/a?b=1")),
            ("a", Some("/x/a")),
            ("./a/../b", Some("/x/b")),
            ("../../a", Some("/a")),
            ("?b", Some("/x/y?b")),
            ("/a#part", Some("/a")),
            ("https://a.io/a", Some("/a")),
            ("https://A.io:443/a", Some("/a")),
            ("HTTPS://a.io", Some("/")),
            ("https://a.io?b", Some("/?b")),
            ("//a.io/a", Some("/a")),
            (" /a ", Some("/a")),
            ("http://a.io/a", None),
            ("https://a.io:8443/a", None),
            ("https://b.io/a", None),
            ("https://u@a.io/a", None),
            ("//b.io/a", None),
            ("mailto:a@a.io", None),
            // no references
            ("/a b", None),
            ("/\u{e9}", None),
            ("https://[::1/a", None),
        ];
        for field in ["Location", "content-location"] {
            for (reference, target) in table {
                let found = invalidated("POST", 201, &[(field, reference)]);
                let want: Vec<_> = std::iter::once("/x/y?z=1").chain(target).collect();
                assert_eq!(found, want, "{field}: {reference}");
            }
        }
    }

    #[test]
    fn each_target_goes_once() {
        let same = [("Location", ""), ("Content-Location", "https://a.io/x/y?z=1")];
        assert_eq!(invalidated("POST", 201, &same), ["/x/y?z=1"]);
        let both = [("Location", "/a"), ("Content-Location", "/b")];
        assert_eq!(invalidated("POST", 201, &both), ["/x/y?z=1", "/a", "/b"]);
    }

    #[test]
    fn ports_are_compared_with_those_that_hosts_leave_out() {
        let table = [
            (false, "a.io:80", "http://a.io/a", true),
            (false, "a.io", "http://a.io:80/a", true),
            (false, "a.io:8080", "http://a.io:8080/a", true),
            (false, "a.io:8080", "http://a.io/a", false),
            (false, "a.io", "http://a.io:443/a", false),
            (true, "a.io:", "https://a.io/a", true),
            (true, "[::1]:443", "https://[::1]/a", true),
            (true, "[::1]", "https://[::1]:444/a", false),
            // a host that no URI can have resolves nothing
            (false, "a b", "/a", false),
        ];
        for (is_https, host, reference, is_same) in table {
            let response = [("Location", reference)];
            let (host, response) = (host.as_bytes(), &response[..]);
            let answered = Answered { is_https, host, method: b"PUT", target: b"/", status: 200, response };
            let want = 1 + usize::from(is_same);
            assert_eq!(answered.invalidates().len(), want, "{reference}");
        }
    }
}
