//! What an origin says of its response.

use super::directive::{Argument, Directive, directives};
use crate::delta_seconds;
use crate::list;

/// The directives of a response that this cache knows (RFC 9111 section 5.2.2, RFC 5861). What it
/// does not know it ignores (RFC 9111 section 5.2.3).
///
/// Of a directive that is there more than once, the first counts. Of those that contradict each
/// other, whoever decides takes the most restrictive one (RFC 9111 section 4.2.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseDirectives {
    /// `max-age`.
    pub max_age: Option<Delta>,
    /// `s-maxage`.
    pub s_maxage: Option<Delta>,
    /// `stale-while-revalidate` (RFC 5861 section 3).
    pub stale_while_revalidate: Option<Delta>,
    /// `stale-if-error` (RFC 5861 section 4).
    pub stale_if_error: Option<Delta>,
    /// `no-store`.
    pub no_store: bool,
    /// `no-cache`.
    pub no_cache: Scope,
    /// `private`.
    pub private: Scope,
    /// `must-revalidate`.
    pub must_revalidate: bool,
    /// `proxy-revalidate`.
    pub proxy_revalidate: bool,
    /// `must-understand`.
    pub must_understand: bool,
    /// `public`.
    pub public: bool,
    /// The fields that `no-cache="..."` and `private="..."` name, as they are written. They are not
    /// stored: a shared cache must not keep the latter, nor use the former without asking (RFC 9111
    /// sections 5.2.2.7 and 5.2.2.4).
    pub withheld: Vec<Box<[u8]>>,
}

/// A number of seconds that a response says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delta {
    /// So many.
    Seconds(u32),
    /// No number of seconds: what depends on it is stale (RFC 9111 section 4.2.1).
    Invalid,
}

impl Delta {
    /// The seconds; none at all where they cannot be read.
    pub fn seconds(self) -> u32 {
        match self {
            Delta::Seconds(seconds) => seconds,
            Delta::Invalid => 0,
        }
    }

    /// Of an integer of a structured field, which may be negative.
    pub(super) fn of_integer(value: i64) -> Self {
        if value < 0 { Delta::Invalid } else { Delta::Seconds(delta_seconds::clamp(value)) }
    }
}

/// What part of a response a directive holds for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    /// The directive is not there.
    #[default]
    Nothing,
    /// Some fields, which [`ResponseDirectives::withheld`] names.
    Fields,
    /// All of it.
    Whole,
}

impl ResponseDirectives {
    /// Reads the lines of a Cache-Control field.
    pub fn read<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut found = Self::default();
        for directive in lines.into_iter().flat_map(directives) {
            found.add(directive);
        }
        found
    }

    /// Adds the directives of a further line.
    pub(crate) fn add_line(&mut self, line: &[u8]) {
        directives(line).for_each(|directive| self.add(directive));
    }

    fn add(&mut self, Directive { name, argument }: Directive<'_>) {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        if is("max-age") {
            first(&mut self.max_age, argument);
        } else if is("s-maxage") {
            first(&mut self.s_maxage, argument);
        } else if is("stale-while-revalidate") {
            first(&mut self.stale_while_revalidate, argument);
        } else if is("stale-if-error") {
            first(&mut self.stale_if_error, argument);
        } else if is("no-cache") {
            self.no_cache = self.no_cache.max(self.scope(argument));
        } else if is("private") {
            self.private = self.private.max(self.scope(argument));
        } else if is("no-store") {
            self.no_store = true;
        } else if is("must-revalidate") {
            self.must_revalidate = true;
        } else if is("proxy-revalidate") {
            self.proxy_revalidate = true;
        } else if is("must-understand") {
            self.must_understand = true;
        } else if is("public") {
            self.public = true;
        }
    }

    /// Takes the fields that an argument names. What names none, or cannot be read, holds for all.
    fn scope(&mut self, argument: Argument<'_>) -> Scope {
        let Argument::Text(text) = argument else { return Scope::Whole };
        self.withhold(text)
    }

    pub(super) fn withhold(&mut self, names: &[u8]) -> Scope {
        let mut scope = Scope::Whole;
        for name in list::elements(names) {
            scope = Scope::Fields;
            self.withheld.push(name.into());
        }
        scope
    }

    /// The directive that forbids serving the response stale (RFC 9111 section 4.2.4), by its name.
    /// `s-maxage` has the meaning of `proxy-revalidate` (section 5.2.2.10).
    pub fn forbids_stale(&self) -> Option<&'static str> {
        let table = [
            (self.no_cache == Scope::Whole, "no-cache"),
            (self.must_revalidate, "must-revalidate"),
            (self.proxy_revalidate, "proxy-revalidate"),
            (self.s_maxage.is_some(), "s-maxage"),
        ];
        table.into_iter().find_map(|(is_there, name)| is_there.then_some(name))
    }
}

impl Scope {
    fn max(self, other: Self) -> Self {
        match (self, other) {
            (Scope::Whole, _) | (_, Scope::Whole) => Scope::Whole,
            (Scope::Fields, _) | (_, Scope::Fields) => Scope::Fields,
            _ => Scope::Nothing,
        }
    }
}

fn first(place: &mut Option<Delta>, argument: Argument<'_>) {
    place.get_or_insert(argument.seconds().map_or(Delta::Invalid, Delta::Seconds));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> ResponseDirectives {
        ResponseDirectives::read(lines.iter().map(|line| line.as_bytes()))
    }

    #[test]
    fn lifetimes_are_read_as_rfc_9111_section_4_2_1_says() {
        let seconds = |n| Some(Delta::Seconds(n));
        let invalid = Some(Delta::Invalid);
        let table: [(&[&str], Option<Delta>); 21] = [
            (&["max-age=3600"], seconds(3600)),
            (&["MaX-aGe=3600"], seconds(3600)),
            (&["foobar, max-age=3600"], seconds(3600)),
            // section 5.2: both forms of an argument
            (&["max-age=\"3600\""], seconds(3600)),
            (&["max-age=003600"], seconds(3600)),
            // section 1.2.2
            (&["max-age=99999999999"], seconds(1 << 31)),
            // the first of several
            (&["max-age=1800, max-age=1"], seconds(1800)),
            (&["max-age=1", "max-age=1800"], seconds(1)),
            (&["max-age=a, max-age=1800"], invalid),
            // what is in a quoted string is no directive
            (&["ext=\"max-age=3600\", max-age=1"], seconds(1)),
            (&["max-age=1, ext=\"max-age=3600\""], seconds(1)),
            (&["ext=\"max-age=3600\""], None),
            // invalid, and so stale
            (&["max-age"], invalid),
            (&["max-age="], invalid),
            (&["max-age=-3600"], invalid),
            (&["max-age='3600'"], invalid),
            (&["max-age=3600.0"], invalid),
            (&["max-age=3600a"], invalid),
            (&["max-age =3600"], invalid),
            (&["max-age= 3600"], invalid),
            (&["max-age=3600 7200"], invalid),
        ];
        for (lines, want) in table {
            assert_eq!(read(lines).max_age, want, "{lines:?}");
        }
    }

    #[test]
    fn each_directive_is_known_by_its_name_in_any_case() {
        let all = read(&[
            "max-age=1, S-MaxAge=2, stale-while-revalidate=3, Stale-If-Error=4",
            "No-Store, NO-CACHE, Private, must-revalidate, Proxy-Revalidate, must-understand, PUBLIC",
            "no-transform, immutable, x=1",
        ]);
        let seconds = |n| Some(Delta::Seconds(n));
        let want = ResponseDirectives {
            max_age: seconds(1),
            s_maxage: seconds(2),
            stale_while_revalidate: seconds(3),
            stale_if_error: seconds(4),
            no_store: true,
            no_cache: Scope::Whole,
            private: Scope::Whole,
            must_revalidate: true,
            proxy_revalidate: true,
            must_understand: true,
            public: true,
            withheld: Vec::new(),
        };
        assert_eq!(all, want);
        assert_eq!(read(&[]), ResponseDirectives::default());
    }

    #[test]
    fn a_flag_that_has_an_argument_is_a_flag_all_the_same() {
        for line in ["no-store=1", "no-store=\"\"", "no-store x", "no-store =x", "x=\"y, no-store"] {
            assert!(read(&[line]).no_store, "{line}");
        }
    }

    #[test]
    fn private_and_no_cache_can_hold_for_single_fields() {
        let table: [(&[&str], Scope, &[&str]); 9] = [
            (&["private"], Scope::Whole, &[]),
            (&["private=\"a, B\""], Scope::Fields, &["a", "B"]),
            (&["private=a"], Scope::Fields, &["a"]),
            (&["private=\"a\"", "private=\"b\""], Scope::Fields, &["a", "b"]),
            (&["private, private=\"a\""], Scope::Whole, &["a"]),
            (&["private=\"a\", private"], Scope::Whole, &["a"]),
            // what names nothing holds for all
            (&["private=\"\""], Scope::Whole, &[]),
            (&["private="], Scope::Whole, &[]),
            (&["private=\"a"], Scope::Whole, &[]),
        ];
        for (lines, scope, withheld) in table {
            let found = read(lines);
            assert_eq!(found.private, scope, "{lines:?}");
            let names: Vec<_> = found.withheld.iter().map(|name| str::from_utf8(name).unwrap()).collect();
            assert_eq!(names, withheld, "{lines:?}");
            let other: Vec<_> = lines.iter().map(|line| line.replace("private", "no-cache")).collect();
            let other: Vec<_> = other.iter().map(String::as_str).collect();
            assert_eq!(read(&other).no_cache, scope, "{other:?}");
        }
    }

    #[test]
    fn some_directives_forbid_stale_responses() {
        // RFC 9111 sections 4.2.4 and 5.2.2
        let table = [
            ("max-age=1", None),
            ("must-revalidate", Some("must-revalidate")),
            ("proxy-revalidate", Some("proxy-revalidate")),
            ("no-cache", Some("no-cache")),
            ("no-cache=\"a\"", None),
            ("s-maxage=1", Some("s-maxage")),
            ("s-maxage=x", Some("s-maxage")),
        ];
        for (line, want) in table {
            assert_eq!(read(&[line]).forbids_stale(), want, "{line}");
        }
    }
}
