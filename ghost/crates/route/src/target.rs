//! The target and host that a backend sees, and the Location of a redirect.
//!
//! Targets are always made from the client's own: of several path modifiers the last one counts, and none
//! sees what another has done.

use std::io::Write;

use ghost_config::{Filters, Listener, PathModifier, Redirect, Scheme, path};

use crate::host;
use crate::query::split_target;
use crate::request::Scratch;

/// The target that a backend sees, by the filters of the rule and then of the backend. `prefix` is the
/// decision's; `out` holds the result where it is not the client's own target.
pub fn upstream<'a>(
    target: &'a [u8],
    rule: &Filters,
    backend: &Filters,
    prefix: usize,
    scratch: &mut Scratch,
    out: &'a mut Vec<u8>,
) -> &'a [u8] {
    match backend.rewrite.path.as_ref().or(rule.rewrite.path.as_ref()) {
        None => target,
        Some(modifier) => {
            out.clear();
            write_target(modifier, target, prefix, scratch, out);
            out
        }
    }
}

/// The Host header that a backend sees, by the filters of the rule and then of the backend.
pub fn upstream_host<'a>(host: &'a [u8], rule: &'a Filters, backend: &'a Filters) -> &'a [u8] {
    backend.rewrite.host.as_deref().or(rule.rewrite.host.as_deref()).unwrap_or(host)
}

/// Writes the Location of a redirect into `out`, whose old content goes (Gateway API,
/// HTTPRequestRedirectFilter). `host` is the value of the Host header, `prefix` is the decision's.
pub fn location(
    redirect: &Redirect,
    listener: &Listener,
    host: &[u8],
    target: &[u8],
    prefix: usize,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) {
    out.clear();
    let scheme = redirect.scheme.unwrap_or(listener.scheme);
    out.extend_from_slice(scheme.as_str().as_bytes());
    out.extend_from_slice(b"://");
    match &redirect.hostname {
        Some(hostname) => out.extend_from_slice(hostname.as_bytes()),
        None => out.extend(host::parse(host).unwrap_or_default().iter().map(u8::to_ascii_lowercase)),
    }
    if let Some(port) = port(redirect, listener, scheme) {
        write!(out, ":{port}").expect("writing to a Vec cannot fail");
    }
    match &redirect.path {
        Some(modifier) => write_target(modifier, target, prefix, scratch, out),
        None => out.extend_from_slice(target),
    }
}

/// The port that has to be named: not the one that the scheme has anyway.
fn port(redirect: &Redirect, listener: &Listener, scheme: Scheme) -> Option<u16> {
    let own = redirect.scheme.map_or(listener.port, Scheme::default_port);
    let port = redirect.port.unwrap_or(own);
    (port != scheme.default_port()).then_some(port)
}

/// Appends a modified path, with the query of the target (Gateway API, HTTPPathModifier).
fn write_target(
    modifier: &PathModifier,
    target: &[u8],
    prefix: usize,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) {
    let (raw, _) = split_target(target);
    let (head, tail): (&str, &[u8]) = match modifier {
        PathModifier::Full(path) => (path, b""),
        PathModifier::Prefix(replacement) => {
            // A decision was made for this path, so it has a form for comparison, of which the prefix
            // is a part.
            let path = path::normalise(raw, &mut scratch.path).unwrap_or(raw);
            (replacement.trim_end_matches('/'), path.get(prefix..).unwrap_or_default())
        }
    };
    let first = head.as_bytes().iter().chain(tail).next();
    if first != Some(&b'/') {
        out.push(b'/');
    }
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(tail);
    out.extend_from_slice(&target[raw.len()..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(modifier: PathModifier, target: &str, prefix: &str) -> String {
        let mut out = Vec::new();
        let prefix = prefix.trim_end_matches('/').len();
        write_target(&modifier, target.as_bytes(), prefix, &mut Scratch::default(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_prefix_is_replaced_by_whole_segments() {
        let table = [
            ("/foo/bar", "/foo", "/xyz", "/xyz/bar"),
            ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
            ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"),
            ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
            ("/foo", "/foo", "/xyz", "/xyz"),
            ("/foo/", "/foo", "/xyz", "/xyz/"),
            ("/foo/bar", "/foo", "", "/bar"),
            ("/foo/", "/foo", "", "/"),
            ("/foo", "/foo", "", "/"),
            ("/foo/", "/foo", "/", "/"),
            ("/foo", "/foo", "/", "/"),
            ("/foo?a=/b", "/foo", "/", "/?a=/b"),
            ("/foo/bar?", "/foo", "/xyz", "/xyz/bar?"),
            ("/foo", "/", "/xyz", "/xyz/foo"),
            ("/foo/bar", "/foo", "xyz", "/xyz/bar"),
            ("/%66oo/./bar", "/foo", "/xyz", "/xyz/bar"),
        ];
        for (target, prefix, replacement, expected) in table {
            let modifier = PathModifier::Prefix(replacement.into());
            assert_eq!(rewritten(modifier, target, prefix), expected, "{target} {prefix} {replacement}");
        }
    }

    #[test]
    fn the_whole_path_is_replaced_and_the_query_kept() {
        for (target, value, expected) in
            [("/a/b", "/x", "/x"), ("/a?b=1", "/x/", "/x/?b=1"), ("/a?", "", "/?"), ("/a", "x", "/x")]
        {
            assert_eq!(rewritten(PathModifier::Full(value.into()), target, ""), expected);
        }
    }
}
