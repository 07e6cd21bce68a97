//! The target and host that a backend sees, and the Location of a redirect.
//!
//! Targets are always made from the client's own: of several path modifiers the last one counts, and none
//! sees what another has done.

use std::io::Write;

use ghost_config::{Filters, Listener, PathModifier, Redirect, Scheme, path};

use crate::host;
use crate::query::split_target;
use crate::request::Scratch;

/// The target that a backend sees, by the filters of the rule and then of the backend. `prefix` is what the
/// request fitted ([`Router::prefix`](crate::Router::prefix)); where the target does not begin with it any
/// more, it cannot be replaced, and the target stays as it is. `out` holds the result where it is another
/// one.
pub fn upstream<'a>(
    target: &'a [u8],
    rule: &Filters,
    backend: &Filters,
    prefix: &[u8],
    scratch: &mut Scratch,
    out: &'a mut Vec<u8>,
) -> &'a [u8] {
    out.clear();
    match backend.rewrite.path.as_ref().or(rule.rewrite.path.as_ref()) {
        Some(modifier) if write_target(modifier, target, prefix, scratch, out) => out,
        _ => target,
    }
}

/// The Host header that a backend sees, by the filters of the rule and then of the backend.
pub fn upstream_host<'a>(host: &'a [u8], rule: &'a Filters, backend: &'a Filters) -> &'a [u8] {
    backend.rewrite.host.as_deref().or(rule.rewrite.host.as_deref()).unwrap_or(host)
}

/// Writes the Location of a redirect into `out`, whose old content goes (Gateway API,
/// HTTPRequestRedirectFilter). `host` is the value of the Host header, `prefix` is what the request fitted.
pub fn location(
    redirect: &Redirect,
    listener: &Listener,
    host: &[u8],
    target: &[u8],
    prefix: &[u8],
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
        Some(modifier) if write_target(modifier, target, prefix, scratch, out) => {}
        // The server as a whole has no path that a URL could name.
        _ if target == b"*" => out.push(b'/'),
        _ => out.extend_from_slice(target),
    }
}

/// The port that has to be named: not the one that the scheme has anyway.
fn port(redirect: &Redirect, listener: &Listener, scheme: Scheme) -> Option<u16> {
    let own = redirect.scheme.map_or(listener.port, Scheme::default_port);
    let port = redirect.port.unwrap_or(own);
    (port != scheme.default_port()).then_some(port)
}

/// Appends a modified path, with the query of the target (Gateway API, HTTPPathModifier). Returns false, having
/// written nothing, where the path does not have the prefix that would be replaced.
fn write_target(
    modifier: &PathModifier,
    target: &[u8],
    prefix: &[u8],
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> bool {
    let (raw, _) = split_target(target);
    let (head, tail): (&str, &[u8]) = match modifier {
        PathModifier::Full(path) => (path, b""),
        PathModifier::Prefix(replacement) => match below(raw, prefix, scratch) {
            Some(tail) => (replacement.trim_end_matches('/'), tail),
            None => return false,
        },
    };
    let first = head.as_bytes().iter().chain(tail).next();
    if first != Some(&b'/') {
        out.push(b'/');
    }
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(tail);
    out.extend_from_slice(&target[raw.len()..]);
    true
}

/// What of a path, in the form for comparison, is behind a prefix of whole segments.
fn below<'a>(raw: &'a [u8], prefix: &[u8], scratch: &'a mut Scratch) -> Option<&'a [u8]> {
    let path = path::normalise(raw, &mut scratch.path).ok()?;
    path.strip_prefix(prefix).filter(|rest| matches!(rest, [] | [b'/', ..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ghost_config::UrlRewrite;

    fn rewritten(modifier: PathModifier, target: &str, prefix: &str) -> String {
        let rewrite = UrlRewrite { host: None, path: Some(modifier) };
        let filters = Filters { rewrite, ..Filters::default() };
        let prefix = prefix.trim_end_matches('/').as_bytes();
        let (mut scratch, mut out) = (Scratch::default(), b"left over".to_vec());
        let target = target.as_bytes();
        let written = upstream(target, &filters, &Filters::default(), prefix, &mut scratch, &mut out);
        String::from_utf8(written.to_vec()).unwrap()
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
    fn a_prefix_is_found_in_any_spelling_and_a_target_without_it_stays() {
        let table = [
            ("/old", "/new"),
            ("/old/x", "/new/x"),
            ("/old?x", "/new?x"),
            ("/%6fld/x", "/new/x"),
            ("/a/../old", "/new"),
            ("/older", "/older"),
            ("/a/%6f", "/a/%6f"),
            ("*", "*"),
            ("/..", "/.."),
        ];
        for (target, expected) in table {
            assert_eq!(rewritten(PathModifier::Prefix("/new".into()), target, "/old"), expected, "{target}");
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
