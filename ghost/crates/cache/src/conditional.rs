//! Asking the origin whether a stored response is still good, and taking its answer; answering a
//! client that asks (RFC 9111 section 4.3).

use ghost_route::Headers;

use crate::etag::EntityTag;
use crate::list;
use crate::response::ResponseFields;

/// The fields of a request that asks about a stored response (RFC 9111 section 4.3.1). Both are
/// sent: which of them counts is the origin's to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validators<'a> {
    /// If-None-Match: the entity tag.
    pub if_none_match: Option<&'a [u8]>,
    /// If-Modified-Since: Last-Modified, as the origin wrote it.
    pub if_modified_since: Option<&'a [u8]>,
}

/// The validators of a stored response.
pub fn validators<'a>(stored: &ResponseFields<'a>) -> Validators<'a> {
    Validators {
        if_none_match: stored.etag,
        if_modified_since: stored.last_modified.map(|(written, _)| written),
    }
}

/// Whether a 304 speaks of the stored response that was asked about (RFC 9111 section 4.3.4). A
/// validator that it has must be the stored one's: entity tags count before Last-Modified. One that
/// has none can only mean the response that was asked about.
///
/// Tags are compared weakly, as the origin has compared them (RFC 9110 section 13.1.2). The stored tag
/// may be weak where the origin's is strong: servers that compress an answer make its tag weak, and
/// that of the 304 about it not. So the stored tag stays as it is.
pub fn confirms(answer: &ResponseFields<'_>, stored: &ResponseFields<'_>) -> bool {
    let stored_tag = stored.etag.and_then(EntityTag::parse);
    match answer.etag.and_then(EntityTag::parse) {
        Some(tag) => stored_tag.is_some_and(|stored| tag.is_weakly(stored)),
        None => match (answer.last_modified, stored.last_modified) {
            (Some((_, new)), Some((_, old))) => new == old,
            (Some(_), None) => false,
            (None, _) => true,
        },
    }
}

/// Whether the lines of a client's If-None-Match say that it has the selected response, a success
/// with this ETag, already. It gets a 304 then (RFC 9111 section 4.3.2, RFC 9110 section 13.1.2): by
/// `*`, whatever the ETag, or by one of the tags. Where there is such a line, If-Modified-Since
/// counts for nothing.
pub fn is_had<'a>(if_none_match: impl Iterator<Item = &'a [u8]> + Clone, etag: Option<&'a [u8]>) -> bool {
    let is_any = if_none_match.clone().any(|line| list::trim(line) == b"*");
    is_any || etag.and_then(EntityTag::parse).is_some_and(|tag| tag.is_among(if_none_match))
}

/// Whether a field of a 304 takes the place of the stored one (RFC 9111 section 3.2). Those that
/// say how the stored body is written do not; fields of one connection have been taken out before.
pub fn is_updated(name: &[u8]) -> bool {
    let kept = ["content-length", "content-encoding", "content-range"];
    !kept.iter().any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
}

/// The header of a stored response as a 304 has updated it.
#[derive(Debug)]
pub struct Updated<'a, S: ?Sized, A: ?Sized> {
    /// The stored response's header.
    pub stored: &'a S,
    /// That of the 304.
    pub answer: &'a A,
}

impl<S: Headers + ?Sized, A: Headers + ?Sized> Headers for Updated<'_, S, A> {
    /// The lines of the 304, and behind them the stored ones that it does not replace. Age and Date
    /// are those of the 304 alone: a response is as old as its last validation (RFC 9111 section
    /// 4.2.3).
    fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let new = self.answer.lines().filter(|(name, _)| is_updated(name));
        let is_old = |(name, _): &(&[u8], &[u8])| {
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            let is_replaced = || self.answer.lines().any(|(other, _)| other.eq_ignore_ascii_case(name));
            let is_gone = is("age") || is("date") || (is_updated(name) && is_replaced());
            !is_gone
        };
        new.chain(self.stored.lines().filter(is_old))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::FreshnessPolicy;

    const NOW: i64 = 784_111_777;
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const OTHER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn read<'a>(status: u16, headers: &'a [(&'a str, &'a str)]) -> ResponseFields<'a> {
        ResponseFields::read(&FreshnessPolicy::default(), status, headers, NOW)
    }

    #[test]
    fn validators_are_sent_as_they_came() {
        // RFC 9111 section 4.3.1
        let stored = [("ETag", "W/\"a\""), ("Last-Modified", DATE)];
        let want = Validators { if_none_match: Some(b"W/\"a\""), if_modified_since: Some(DATE.as_bytes()) };
        assert_eq!(validators(&read(200, &stored)), want);
        let none = Validators { if_none_match: None, if_modified_since: None };
        assert_eq!(validators(&read(200, &[("ETag", "*"), ("Last-Modified", "0")])), none);
    }

    #[test]
    fn a_304_confirms_what_has_its_validator() {
        // RFC 9111 section 4.3.4
        type Lines<'a> = &'a [(&'a str, &'a str)];
        let table: [(&str, Lines<'_>, Lines<'_>, bool); 12] = [
            ("the same tag", &[("ETag", "\"a\"")], &[("ETag", "\"a\"")], true),
            ("another", &[("ETag", "\"b\"")], &[("ETag", "\"a\"")], false),
            ("a strong one for a weak one", &[("ETag", "\"a\"")], &[("ETag", "W/\"a\"")], true),
            ("another for a weak one", &[("ETag", "\"b\"")], &[("ETag", "W/\"a\"")], false),
            ("a weak one for a strong one", &[("ETag", "W/\"a\"")], &[("ETag", "\"a\"")], true),
            ("a tag where there was none", &[("ETag", "\"a\"")], &[("Last-Modified", DATE)], false),
            ("the same date", &[("Last-Modified", DATE)], &[("Last-Modified", DATE)], true),
            ("another date", &[("Last-Modified", DATE)], &[("Last-Modified", OTHER)], false),
            ("a date where there was none", &[("Last-Modified", DATE)], &[("ETag", "\"a\"")], false),
            (
                "the tag counts",
                &[("ETag", "\"a\""), ("Last-Modified", DATE)],
                &[("ETag", "\"a\""), ("Last-Modified", OTHER)],
                true,
            ),
            ("no validator", &[], &[("ETag", "\"a\"")], true),
            ("nor before", &[], &[], true),
        ];
        for (name, answer, stored, want) in table {
            assert_eq!(confirms(&read(304, answer), &read(200, stored)), want, "{name}");
        }
    }

    #[test]
    fn a_client_says_what_it_has() {
        // RFC 9110 section 13.1.2, RFC 9111 section 4.3.2
        let table: [(&[&str], Option<&str>, bool); 16] = [
            (&[], Some("\"1\""), false),
            (&["\"1\""], Some("\"1\""), true),
            (&["\"0\""], Some("\"1\""), false),
            // weak comparison
            (&["W/\"1\""], Some("\"1\""), true),
            (&["\"1\""], Some("W/\"1\""), true),
            (&["W/\"1\""], Some("W/\"1\""), true),
            // a list, in one line or several
            (&["\"0\", W/\"1\",\"2\""], Some("\"1\""), true),
            (&["\"0\"", ", \"1\""], Some("\"1\""), true),
            (&["\"0\", \"2\""], Some("\"1\""), false),
            (&["\"0\",\"1,2\""], Some("\"1,2\""), true),
            (&["\"1\", \"2\""], Some("\"1,2\""), false),
            (&["\"0\", \"1\""], None, false),
            // any at all
            (&[" * "], Some("\"1\""), true),
            (&["*"], None, true),
            // no tags
            (&["\"*\""], Some("\"1\""), false),
            (&["1"], Some("\"1\""), false),
        ];
        for (lines, etag, want) in table {
            let lines = lines.iter().map(|line| line.as_bytes());
            assert_eq!(is_had(lines.clone(), etag.map(str::as_bytes)), want, "{lines:?} {etag:?}");
        }
    }

    #[test]
    fn a_304_updates_the_stored_fields() {
        // RFC 9111 section 3.2
        let stored = [
            ("Cache-Control", "max-age=1"),
            ("X-A", "old"),
            ("X-B", "old"),
            ("X-B", "older"),
            ("Content-Length", "36"),
            ("Content-Encoding", "gzip"),
            ("Content-Type", "text/plain"),
            ("Age", "100"),
            ("Date", OTHER),
        ];
        let answer = [
            ("cache-control", "max-age=3600"),
            ("x-b", "new"),
            ("X-C", "new"),
            ("content-length", "10"),
            ("Content-Encoding", "br"),
            ("Content-Range", "bytes 0-1/2"),
            ("Content-Type", "text/html"),
        ];
        let updated = Updated { stored: &stored[..], answer: &answer[..] };
        let text = |bytes| str::from_utf8(bytes).unwrap();
        let lines: Vec<_> = updated.lines().map(|(name, value)| (text(name), text(value))).collect();
        assert_eq!(
            lines,
            [
                ("cache-control", "max-age=3600"),
                ("x-b", "new"),
                ("X-C", "new"),
                ("Content-Type", "text/html"),
                ("X-A", "old"),
                ("Content-Length", "36"),
                ("Content-Encoding", "gzip"),
            ]
        );
    }
}
