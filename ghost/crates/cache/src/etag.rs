//! Entity tags (RFC 9110 section 8.8.3).

use crate::list;

/// An entity tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityTag<'a> {
    /// Whether it begins with `W/`.
    pub is_weak: bool,
    /// What is between the quotes.
    pub opaque: &'a [u8],
}

impl<'a> EntityTag<'a> {
    /// Reads the value of an ETag field; none where it is no entity tag.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let (is_weak, quoted) = match text.strip_prefix(b"W/") {
            Some(quoted) => (true, quoted),
            None => (false, text),
        };
        let opaque = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        let is_sound = opaque.iter().all(|b| *b > b' ' && !matches!(b, b'"' | 0x7f));
        is_sound.then_some(Self { is_weak, opaque })
    }

    /// Whether one of these lists of entity tags has it, by weak comparison (RFC 9110 section 13.1.2).
    pub fn is_among(self, mut lists: impl Iterator<Item = &'a [u8]>) -> bool {
        let is_it = |element| EntityTag::parse(element).is_some_and(|other| self.is_weakly(other));
        lists.any(|line| list::elements(line).any(is_it))
    }

    /// Weak comparison (RFC 9110 section 8.8.3.2).
    pub fn is_weakly(self, other: EntityTag<'_>) -> bool {
        self.opaque == other.opaque
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_quoted_and_perhaps_weak() {
        let tag = |is_weak, opaque: &'static str| Some(EntityTag { is_weak, opaque: opaque.as_bytes() });
        let table = [
            ("\"abc\"", tag(false, "abc")),
            ("W/\"abc\"", tag(true, "abc")),
            ("\"\"", tag(false, "")),
            ("\"a\\\"", tag(false, "a\\")),
            ("\"a,b\"", tag(false, "a,b")),
            ("\"\u{fc}\"", tag(false, "\u{fc}")),
            ("abc", None),
            ("*", None),
            ("w/\"abc\"", None),
            ("W\"abc\"", None),
            ("\"abc", None),
            ("\"a\"b", None),
            ("\"a b\"", None),
            ("", None),
        ];
        for (text, want) in table {
            assert_eq!(EntityTag::parse(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn tags_are_compared_weakly() {
        // the table of RFC 9110 section 8.8.3.2
        let table = [
            ("W/\"1\"", "W/\"1\"", true),
            ("W/\"1\"", "W/\"2\"", false),
            ("W/\"1\"", "\"1\"", true),
            ("\"1\"", "\"1\"", true),
        ];
        for (a, b, want) in table {
            let [a, b] = [a, b].map(|text| EntityTag::parse(text.as_bytes()).unwrap());
            assert_eq!(a.is_weakly(b), want, "{a:?} {b:?}");
        }
    }
}
