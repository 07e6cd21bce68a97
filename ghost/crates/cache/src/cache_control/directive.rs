//! One directive as it stands in a field: a name, and what is behind its equals sign.

use crate::delta_seconds;
use crate::list::{self, trim};

/// A directive of Cache-Control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Directive<'a> {
    /// Name, in any case.
    pub name: &'a [u8],
    /// What is behind the equals sign.
    pub argument: Argument<'a>,
}

/// What is behind a directive's equals sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument<'a> {
    /// There is no equals sign.
    None,
    /// A token, or the inside of a quoted string: whoever defines one form takes both (RFC 9111
    /// section 5.2).
    Text(&'a [u8]),
    /// Something that the grammar does not allow.
    Malformed,
}

impl Argument<'_> {
    /// A number of seconds; none for anything else.
    pub fn seconds(self) -> Option<u32> {
        match self {
            Argument::Text(text) => delta_seconds::parse(text),
            Argument::None | Argument::Malformed => None,
        }
    }
}

/// The directives of one field line.
pub fn directives(value: &[u8]) -> impl Iterator<Item = Directive<'_>> {
    list::elements(value).map(parse)
}

fn parse(element: &[u8]) -> Directive<'_> {
    let Some(equals) = element.iter().position(|byte| *byte == b'=') else {
        return match element.iter().position(u8::is_ascii_whitespace) {
            Some(space) => Directive { name: &element[..space], argument: Argument::Malformed },
            None => Directive { name: element, argument: Argument::None },
        };
    };
    let (name, text) = (&element[..equals], &element[equals + 1..]);
    let is_spaced = name.len() != trim(name).len() || text.len() != trim(text).len();
    let argument = if is_spaced { Argument::Malformed } else { argument(text) };
    Directive { name: trim(name), argument }
}

fn argument(text: &[u8]) -> Argument<'_> {
    let [b'"', inner @ ..] = text else {
        let is_token = !text.is_empty() && !text.iter().any(|b| b.is_ascii_whitespace() || *b == b'"');
        return if is_token { Argument::Text(text) } else { Argument::Malformed };
    };
    match inner.split_last() {
        Some((b'"', inner)) if !inner.contains(&b'"') => Argument::Text(inner),
        _ => Argument::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_has_a_name_and_perhaps_an_argument() {
        use Argument::{Malformed, None, Text};
        let table = [
            ("no-store", "no-store", None),
            ("max-age=1", "max-age", Text(b"1")),
            ("max-age=\"1\"", "max-age", Text(b"1")),
            ("private=\"a, b\"", "private", Text(b"a, b")),
            ("a=\"\"", "a", Text(b"")),
            ("a='1'", "a", Text(b"'1'")),
            ("a=b=c", "a", Text(b"b=c")),
            ("a=", "a", Malformed),
            ("max-age =1", "max-age", Malformed),
            ("max-age= 1", "max-age", Malformed),
            ("max-age 1", "max-age", Malformed),
            ("max-age=1 2", "max-age", Malformed),
            ("a=\"b", "a", Malformed),
            ("a=\"", "a", Malformed),
            ("a=\"b\"c", "a", Malformed),
            ("a=\"b\"c\"", "a", Malformed),
            ("=1", "", Text(b"1")),
        ];
        for (text, name, argument) in table {
            let found: Vec<_> = directives(text.as_bytes()).collect();
            assert_eq!(found, [Directive { name: name.as_bytes(), argument }], "{text}");
        }
    }
}
