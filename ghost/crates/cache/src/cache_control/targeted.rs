//! Targeted fields such as CDN-Cache-Control: a Dictionary of structured fields (RFC 9213 section
//! 2.1).

use std::convert::Infallible;

use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ParameterVisitor,
};
use sfv::{BareItemFromInput, KeyRef, Parser};

use super::response::{Delta, ResponseDirectives, Scope};

/// Reads a targeted field whose lines are joined with commas. None where it is to be ignored: it is
/// empty, is no dictionary, or a directive that is known has a value of another type than it
/// should, which nobody should make sense of (RFC 9213 section 2.1). Of a directive that is there
/// more than once, the last counts, as dictionaries have it (RFC 9651 section 3.2).
pub fn parse(value: &[u8]) -> Option<ResponseDirectives> {
    Parser::new(value).parse_dictionary_with_visitor(Visitor::default()).ok()?
}

/// A known directive's place in [`Visitor::wrong`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    MaxAge,
    SMaxage,
    StaleWhileRevalidate,
    StaleIfError,
    NoStore,
    NoCache,
    Private,
    MustRevalidate,
    ProxyRevalidate,
    MustUnderstand,
    Public,
}

impl Known {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "max-age" => Known::MaxAge,
            "s-maxage" => Known::SMaxage,
            "stale-while-revalidate" => Known::StaleWhileRevalidate,
            "stale-if-error" => Known::StaleIfError,
            "no-store" => Known::NoStore,
            "no-cache" => Known::NoCache,
            "private" => Known::Private,
            "must-revalidate" => Known::MustRevalidate,
            "proxy-revalidate" => Known::ProxyRevalidate,
            "must-understand" => Known::MustUnderstand,
            "public" => Known::Public,
            _ => return None,
        })
    }
}

#[derive(Debug, Default)]
struct Visitor {
    directives: ResponseDirectives,
    /// The fields that private names, and those that no-cache does: the last one of each counts.
    private: Vec<Box<[u8]>>,
    no_cache: Vec<Box<[u8]>>,
    /// Which directives have a value of another type, as bits.
    wrong: u16,
    /// Whether there is any member.
    has_member: bool,
}

impl<'de> DictionaryVisitor<'de> for Visitor {
    type Out = Option<ResponseDirectives>;
    type Error = Infallible;

    fn entry(&mut self, key: &'de KeyRef) -> Result<impl EntryVisitor<'de>, Infallible> {
        self.has_member = true;
        Ok(Known::named(key.as_str()).map(|known| Entry { visitor: self, known }))
    }

    fn finish(self) -> Result<Self::Out, Infallible> {
        if !self.has_member || self.wrong != 0 {
            return Ok(None);
        }
        let mut directives = self.directives;
        directives.withheld = self.private;
        directives.withheld.extend(self.no_cache);
        Ok(Some(directives))
    }
}

struct Entry<'v> {
    visitor: &'v mut Visitor,
    known: Known,
}

impl<'de> EntryVisitor<'de> for Entry<'_> {
    type Error = Infallible;

    fn item(self) -> Result<impl ItemVisitor<'de>, Infallible> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'de>, Infallible> {
        self.visitor.wrong |= 1 << self.known as u16;
        Ok(Ignored)
    }
}

impl<'de> ItemVisitor<'de> for Entry<'_> {
    type Out = ();
    type Error = Infallible;

    fn bare_item(
        mut self,
        item: BareItemFromInput<'de>,
    ) -> Result<impl ParameterVisitor<'de, Out = ()>, Infallible> {
        let bit = 1 << self.known as u16;
        self.visitor.wrong &= !bit;
        if self.set(item).is_none() {
            self.visitor.wrong |= bit;
        }
        // Parameters say nothing (RFC 9213 section 2.1).
        Ok(Ignored)
    }
}

impl Entry<'_> {
    /// None where the value has another type.
    fn set(&mut self, item: BareItemFromInput<'_>) -> Option<()> {
        let directives = &mut self.visitor.directives;
        let delta =
            |item: &BareItemFromInput<'_>| item.as_integer().map(|n| Some(Delta::of_integer(n.into())));
        match self.known {
            Known::MaxAge => directives.max_age = delta(&item)?,
            Known::SMaxage => directives.s_maxage = delta(&item)?,
            Known::StaleWhileRevalidate => directives.stale_while_revalidate = delta(&item)?,
            Known::StaleIfError => directives.stale_if_error = delta(&item)?,
            Known::NoStore => directives.no_store = item.as_boolean()?,
            Known::MustRevalidate => directives.must_revalidate = item.as_boolean()?,
            Known::ProxyRevalidate => directives.proxy_revalidate = item.as_boolean()?,
            Known::MustUnderstand => directives.must_understand = item.as_boolean()?,
            Known::Public => directives.public = item.as_boolean()?,
            Known::NoCache => (directives.no_cache, self.visitor.no_cache) = scope(&item)?,
            Known::Private => (directives.private, self.visitor.private) = scope(&item)?,
        }
        Some(())
    }
}

/// True for all of the response, or the names of fields as a string or a token.
fn scope(item: &BareItemFromInput<'_>) -> Option<(Scope, Vec<Box<[u8]>>)> {
    let names = match item {
        BareItemFromInput::Boolean(true) => return Some((Scope::Whole, Vec::new())),
        BareItemFromInput::Boolean(false) => return Some((Scope::Nothing, Vec::new())),
        BareItemFromInput::String(names) => names.as_str(),
        BareItemFromInput::Token(name) => name.as_str(),
        _ => return None,
    };
    let mut found = ResponseDirectives::default();
    let scope = found.withhold(names.as_bytes());
    Some((scope, found.withheld))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_targeted_field_is_a_dictionary_of_directives() {
        let seconds = |n| Some(Delta::Seconds(n));
        let none = ResponseDirectives::default();
        let table = [
            ("max-age=60", ResponseDirectives { max_age: seconds(60), ..none.clone() }),
            ("max-age=60;x=1, foo", ResponseDirectives { max_age: seconds(60), ..none.clone() }),
            ("max-age=99999999999", ResponseDirectives { max_age: seconds(1 << 31), ..none.clone() }),
            ("max-age=-1", ResponseDirectives { max_age: Some(Delta::Invalid), ..none.clone() }),
            // RFC 9651 section 3.2: the last one
            ("max-age=1, max-age=2", ResponseDirectives { max_age: seconds(2), ..none.clone() }),
            ("max-age=\"1\", max-age=2", ResponseDirectives { max_age: seconds(2), ..none.clone() }),
            ("no-store", ResponseDirectives { no_store: true, ..none.clone() }),
            ("no-store=?0", none.clone()),
            ("private", ResponseDirectives { private: Scope::Whole, ..none.clone() }),
            (
                "private=\"a, b\", no-cache=c",
                ResponseDirectives {
                    private: Scope::Fields,
                    no_cache: Scope::Fields,
                    withheld: vec![b"a".as_slice().into(), b"b".as_slice().into(), b"c".as_slice().into()],
                    ..none.clone()
                },
            ),
            ("private=\"a\", private=?0", none.clone()),
            ("foo", none.clone()),
            (
                "s-maxage=1, stale-while-revalidate=2, stale-if-error=3, must-revalidate, \
                 proxy-revalidate, must-understand, public",
                ResponseDirectives {
                    s_maxage: seconds(1),
                    stale_while_revalidate: seconds(2),
                    stale_if_error: seconds(3),
                    must_revalidate: true,
                    proxy_revalidate: true,
                    must_understand: true,
                    public: true,
                    ..none.clone()
                },
            ),
        ];
        for (value, want) in table {
            assert_eq!(parse(value.as_bytes()), Some(want), "{value}");
        }
    }

    #[test]
    fn a_field_that_is_empty_or_invalid_is_ignored() {
        // RFC 9213 section 2.1
        let table = [
            "",
            "   ",
            "max-age=10000, &&&&&",
            "max-age =100",
            "max-age= 100",
            "MaX-aGe=3600",
            "max-age=\"10000\"",
            "max-age=1.5",
            "max-age",
            "max-age=(1 2)",
            "max-age=1, max-age=\"2\"",
            "no-store=1",
            "private=1",
            "max-age=1,",
            "max-age=1 no-store",
            "max-age=1\u{e9}",
        ];
        for value in table {
            assert_eq!(parse(value.as_bytes()), None, "{value:?}");
        }
    }
}
