//! The head of the request to a backend, from the task's bereq and the filters of rule and backend.

use std::borrow::Cow;

use ghost_config::{path, PathModifier};
use ghost_route::modify::modify;
use ghost_route::target::{upstream, upstream_host};
use ghost_route::Headers;
use ghost_upstream::{is_hop_by_hop, ConnectionOptions, InvalidRequest, RequestHead};

use crate::message::Message;
use crate::scratch;
use crate::target::Target;

/// Writes the head. The filters apply here and nowhere else: a retry or restart begins with what VCL has.
pub fn head(target: &Target, bereq: &Message<'_>) -> Result<RequestHead, InvalidRequest> {
    let (rule, backend) = (target.rule(), target.backend());
    let host = bereq.field(b"host").unwrap_or_default();
    let host = upstream_host(host, &rule.filters, &backend.filters);
    let mut head = RequestHead::new(bereq.method(), &url(target, bereq.url()), host)?;
    let client = EndToEnd { options: ConnectionOptions::of(bereq.fields()), bereq };
    let modifiers = rule.filters.request_headers.iter().chain(&backend.filters.request_headers);
    let mut result = Ok(());
    modify(&client, modifiers, |name, value| {
        if result.is_ok() {
            result = head.field(name, value);
        }
    });
    result.map(|()| head)
}

/// The target that the backend sees. Where user VCL has led the request away from the prefix that it fitted, the
/// prefix cannot be replaced, and the URL stays as user VCL has it.
fn url<'a>(target: &Target, url: &'a [u8]) -> Cow<'a, [u8]> {
    let (rule, backend) = (&target.rule().filters, &target.backend().filters);
    let modifier = backend.rewrite.path.as_ref().or(rule.rewrite.path.as_ref());
    let needs_prefix = matches!(modifier, Some(PathModifier::Prefix(_)));
    let prefix = target.prefix().unwrap_or_default();
    if needs_prefix && !has_prefix(url, prefix) {
        return Cow::Borrowed(url);
    }
    scratch::with(|scratch| {
        let mut out = Vec::new();
        match upstream(url, rule, backend, prefix.len(), scratch, &mut out) {
            same if same.as_ptr() == url.as_ptr() => Cow::Borrowed(url),
            other => Cow::Owned(other.to_vec()),
        }
    })
}

/// Whether the path of a URL is the prefix or lies below it, in the form in which paths are compared.
fn has_prefix(url: &[u8], prefix: &[u8]) -> bool {
    let end = url.iter().position(|&b| b == b'?').unwrap_or(url.len());
    let mut buffer = Vec::new();
    path::normalise(&url[..end], &mut buffer)
        .is_ok_and(|path| path.strip_prefix(prefix).is_some_and(|rest| matches!(rest, [] | [b'/', ..])))
}

/// What of the client's fields goes further than this hop.
struct EndToEnd<'a> {
    options: ConnectionOptions<'a>,
    bereq: &'a Message<'a>,
}

impl Headers for EndToEnd<'_> {
    fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.bereq.fields().filter(|(name, _)| !is_hop_by_hop(name, &self.options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_found_by_whole_segments_in_any_spelling() {
        let table = [
            ("/old", "/old", true),
            ("/old/x", "/old", true),
            ("/old?x", "/old", true),
            ("/%6fld/x", "/old", true),
            ("/a/../old", "/old", true),
            ("/older", "/old", false),
            ("/new", "/old", false),
            ("*", "/old", false),
            ("/..", "/old", false),
            ("/anything", "", true),
        ];
        for (url, prefix, expected) in table {
            assert_eq!(has_prefix(url.as_bytes(), prefix.as_bytes()), expected, "{url} below {prefix}");
        }
    }
}
