//! What of a response's header counts for caching, read in one pass.

use ghost_route::Headers;

use crate::cache_control::{self, ResponseDirectives};
use crate::delta_seconds;
use crate::etag::EntityTag;
use crate::policy::FreshnessPolicy;
use crate::{date, list, vary};

/// What of a response counts for caching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseFields<'a> {
    /// The status.
    pub status: u16,
    /// The directives that hold, of Cache-Control or of a targeted field.
    pub directives: ResponseDirectives,
    /// Which field they come from.
    pub source: Source,
    /// Expires; ignored where a targeted field holds (RFC 9213 section 2.2).
    pub expires: Option<Expires>,
    /// Date, in seconds since 1970; none where it cannot be read.
    pub date: Option<i64>,
    /// Age in seconds: the first of several, and none where it cannot be read (RFC 9111 section
    /// 5.1).
    pub age: Option<u32>,
    /// Last-Modified, as it is written and in seconds since 1970; none where it cannot be read.
    pub last_modified: Option<(&'a [u8], i64)>,
    /// ETag, as it is written; none where it is no entity tag.
    pub etag: Option<&'a [u8]>,
    /// Whether Vary has a `*`.
    pub varies_on_everything: bool,
    /// Whether there is Set-Cookie.
    pub has_set_cookie: bool,
    /// Content-Length.
    pub content_length: Option<u64>,
}

/// Which field the directives of a response come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Cache-Control, whether or not it is there.
    CacheControl,
    /// The targeted field with this index in [`FreshnessPolicy::targeted`].
    Targeted(usize),
}

/// What Expires says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expires {
    /// This moment, in seconds since 1970.
    At(i64),
    /// No moment, which means that it has passed (RFC 9111 section 5.3).
    Invalid,
}

impl<'a> ResponseFields<'a> {
    /// Reads a response that was received at `now`, in seconds since 1970. Of a field that should
    /// be there once, the first line counts (RFC 9111 section 4.2.1).
    pub fn read<H>(policy: &FreshnessPolicy, status: u16, headers: &'a H, now: i64) -> Self
    where
        H: Headers + ?Sized,
    {
        let mut found = Self::new(status);
        let (mut age, mut date, mut expires, mut last_modified, mut etag) = (None, None, None, None, None);
        for (name, value) in headers.lines() {
            let value = list::trim(value);
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            // By length first: most lines are none of these.
            match name.len() {
                3 if is("age") => _ = age.get_or_insert(value),
                4 if is("date") => _ = date.get_or_insert(value),
                4 if is("etag") => _ = etag.get_or_insert(value),
                4 if is("vary") => found.varies_on_everything |= vary::has_star(value),
                7 if is("expires") => _ = expires.get_or_insert(value),
                10 if is("set-cookie") => found.has_set_cookie = true,
                13 if is("cache-control") => found.directives.add_line(value),
                13 if is("last-modified") => _ = last_modified.get_or_insert(value),
                14 if is("content-length") => found.content_length = parse_length(value),
                _ => {}
            }
        }
        found.age = age.and_then(|value| delta_seconds::parse(list::elements(value).next()?));
        found.date = date.and_then(|value| date::parse(value, now));
        found.expires = expires.map(|value| date::parse(value, now).map_or(Expires::Invalid, Expires::At));
        found.last_modified =
            last_modified.and_then(|value| date::parse(value, now).map(|moment| (value, moment)));
        found.etag = etag.filter(|value| EntityTag::parse(value).is_some());
        if let Some((index, directives)) = targeted(policy, headers) {
            found.directives = directives;
            found.source = Source::Targeted(index);
            found.expires = None;
        }
        found
    }

    /// A response with this status that says nothing.
    fn new(status: u16) -> Self {
        Self {
            status,
            directives: ResponseDirectives::default(),
            source: Source::CacheControl,
            expires: None,
            date: None,
            age: None,
            last_modified: None,
            etag: None,
            varies_on_everything: false,
            has_set_cookie: false,
            content_length: None,
        }
    }

    /// Whether the origin can be asked if the response has changed.
    pub fn has_validator(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }
}

/// The first targeted field of the policy that is sound (RFC 9213 section 2.2).
fn targeted<H>(policy: &FreshnessPolicy, headers: &H) -> Option<(usize, ResponseDirectives)>
where
    H: Headers + ?Sized,
{
    policy.targeted.iter().enumerate().find_map(|(index, target)| {
        let mut lines =
            headers.lines().filter(|(name, _)| name.eq_ignore_ascii_case(target)).map(|(_, value)| value);
        let first = lines.next()?;
        let directives = match lines.next() {
            None => cache_control::parse_targeted(first),
            Some(second) => {
                let mut joined = first.to_vec();
                for line in std::iter::once(second).chain(lines) {
                    joined.extend_from_slice(b", ");
                    joined.extend_from_slice(line);
                }
                cache_control::parse_targeted(&joined)
            }
        };
        directives.map(|directives| (index, directives))
    })
}

fn parse_length(value: &[u8]) -> Option<u64> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    // What is too long for the type is too long for the bound as well.
    is_number.then(|| str::from_utf8(value).ok()?.parse().ok().or(Some(u64::MAX)))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache_control::Delta;

    const NOW: i64 = 784_111_777;
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn read<'a>(lines: &'a [(&'a str, &'a str)]) -> ResponseFields<'a> {
        ResponseFields::read(&FreshnessPolicy::default(), 200, lines, NOW)
    }

    #[test]
    fn age_is_the_first_member_or_none() {
        // RFC 9111 section 5.1
        let table: [(&[&str], Option<u32>); 14] = [
            (&["30"], Some(30)),
            (&["abc"], None),
            (&["-7200"], None),
            (&["7200.0"], None),
            (&["2147483647"], Some(2_147_483_647)),
            (&["2147483648"], Some(1 << 31)),
            (&["2147483649"], Some(1 << 31)),
            (&["7200, 0"], Some(7200)),
            (&["0, 7200"], Some(0)),
            (&["7200", "0"], Some(7200)),
            (&["0", "7200"], Some(0)),
            (&["0, 0"], Some(0)),
            (&["7200;foo=bar"], None),
            (&[""], None),
        ];
        for (values, want) in table {
            let lines: Vec<_> = values.iter().map(|value| ("Age", *value)).collect();
            assert_eq!(read(&lines).age, want, "{values:?}");
        }
    }

    #[test]
    fn dates_are_read_and_an_expires_that_is_none_has_passed() {
        let table = [
            ("Expires", DATE, Some(Expires::At(NOW))),
            ("expires", "0", Some(Expires::Invalid)),
            ("expires", "-1", Some(Expires::Invalid)),
            ("expires", "", Some(Expires::Invalid)),
            ("x", DATE, None),
        ];
        for (name, value, want) in table {
            assert_eq!(read(&[(name, value)]).expires, want, "{name}: {value}");
        }
        assert_eq!(read(&[("Expires", "0"), ("Expires", DATE)]).expires, Some(Expires::Invalid));
        assert_eq!(read(&[("Date", DATE)]).date, Some(NOW));
        assert_eq!(read(&[("Date", "foo")]).date, None);
        assert_eq!(read(&[("Last-Modified", DATE)]).last_modified, Some((DATE.as_bytes(), NOW)));
        assert_eq!(read(&[("Last-Modified", "foo")]).last_modified, None);
    }

    #[test]
    fn validators_are_those_that_can_be_sent() {
        let table: [(&[(&str, &str)], bool); 6] = [
            (&[("ETag", "\"a\"")], true),
            (&[("ETag", "W/\"a\"")], true),
            (&[("ETag", "*")], false),
            (&[("Last-Modified", DATE)], true),
            (&[("Last-Modified", "x")], false),
            (&[], false),
        ];
        for (lines, want) in table {
            assert_eq!(read(lines).has_validator(), want, "{lines:?}");
        }
    }

    #[test]
    fn the_first_targeted_field_that_is_sound_stands_for_cache_control_and_expires() {
        // RFC 9213 section 2.2
        let (own, cdn) = ("Varnish-Gateway-Cache-Control", "CDN-Cache-Control");
        type Row<'a> = (&'a [(&'a str, &'a str)], Source, Option<u32>);
        let table: [Row<'_>; 9] = [
            (&[("Cache-Control", "max-age=1")], Source::CacheControl, Some(1)),
            (&[("Cache-Control", "max-age=1"), (cdn, "max-age=2")], Source::Targeted(1), Some(2)),
            (&[(cdn, "max-age=2"), (own, "max-age=3")], Source::Targeted(0), Some(3)),
            (&[(cdn, "max-age=2"), (own, "")], Source::Targeted(1), Some(2)),
            (&[(cdn, "max-age=2"), (own, "&")], Source::Targeted(1), Some(2)),
            (&[("Cache-Control", "max-age=1"), (cdn, "max-age=\"2\"")], Source::CacheControl, Some(1)),
            (&[("Cache-Control", "max-age=1"), (cdn, "public")], Source::Targeted(1), None),
            // lines are one field
            (&[(cdn, "max-age=2"), (cdn, "public")], Source::Targeted(1), Some(2)),
            (&[(cdn, "max-age=2"), (cdn, "&")], Source::CacheControl, None),
        ];
        for (lines, source, seconds) in table {
            let mut lines = lines.to_vec();
            lines.push(("Expires", DATE));
            let found = read(&lines);
            assert_eq!(found.source, source, "{lines:?}");
            assert_eq!(found.directives.max_age, seconds.map(Delta::Seconds), "{lines:?}");
            assert_eq!(found.expires.is_some(), source == Source::CacheControl, "{lines:?}");
        }
    }

    #[test]
    fn what_else_counts_is_found() {
        let lines = [("Vary", "a"), ("vary", "b, *"), ("SET-COOKIE", "a=b"), ("Content-Length", " 12 ")];
        let found = read(&lines);
        assert!(found.varies_on_everything && found.has_set_cookie);
        assert_eq!(found.content_length, Some(12));
        let lengths = [("99999999999999999999", Some(u64::MAX)), ("x", None), ("", None), ("+1", None)];
        for (value, want) in lengths {
            assert_eq!(read(&[("content-length", value)]).content_length, want, "{value}");
        }
    }
}
