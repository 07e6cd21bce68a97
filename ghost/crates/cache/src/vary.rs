//! The Vary field (RFC 9110 section 12.5.5).

use crate::list;

/// The names of the fields that the lines of Vary list, as they are written.
pub fn names<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a [u8]> {
    lines.into_iter().flat_map(list::elements)
}

/// Whether a line of Vary has `*` as one of its elements: no request selects such a response (RFC
/// 9111 section 4.1).
pub fn has_star(line: &[u8]) -> bool {
    list::elements(line).any(|name| name == b"*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_star_is_enough() {
        let table = [
            ("*", true),
            ("*, *", true),
            (", *", true),
            ("*, Foo", true),
            ("Foo, *", true),
            ("", false),
            ("Foo", false),
            ("Foo*", false),
        ];
        for (line, want) in table {
            assert_eq!(has_star(line.as_bytes()), want, "{line}");
        }
    }

    #[test]
    fn names_come_from_all_lines() {
        let lines = ["Foo, bar", "", "BAZ,"].map(str::as_bytes);
        assert_eq!(names(lines).collect::<Vec<_>>(), [b"Foo", b"bar", b"BAZ"]);
    }
}
