//! Query parameters.

use ghost_config::path;

/// The value of the first parameter of this name. Names and values are percent-decoded and case-sensitive; `+`
/// stays, as do malformed escapes. A parameter without `=` has the empty value.
pub(crate) fn parameter<'a>(query: &'a [u8], name: &[u8], buffer: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    let (_, value) = parameters(query).find(|(found, _)| decode(found, buffer) == name)?;
    Some(decode(value, buffer))
}

/// Names and values as they stand in a query, in order.
pub(crate) fn parameters(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    query.split(|byte| *byte == b'&').map(|part| match part.iter().position(|byte| *byte == b'=') {
        Some(at) => (&part[..at], &part[at + 1..]),
        // A value of this query all the same, though an empty one.
        None => (part, &part[part.len()..]),
    })
}

/// Splits a request target into its path and its query, which is `None` where there is no `?`.
pub(crate) fn split_target(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    match target.iter().position(|byte| *byte == b'?') {
        Some(at) => (&target[..at], Some(&target[at + 1..])),
        None => (target, None),
    }
}

/// The text without escapes: itself where it has none, else decoded into `buffer`.
pub(crate) fn decode<'a>(text: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    if !text.contains(&b'%') {
        return text;
    }
    buffer.clear();
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        match path::escape(rest) {
            Some(byte) => {
                buffer.push(byte);
                rest = &rest[3..];
            }
            None => {
                buffer.push(*first);
                rest = tail;
            }
        }
    }
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_parameter_of_the_name_counts() {
        let table = [
            ("a=1", "a", "1", true),
            ("a=1&a=2", "a", "2", false),
            ("b=1&a=2", "a", "2", true),
            ("A=1", "a", "1", false),
            ("a=B", "a", "b", false),
            ("a", "a", "", true),
            ("a=", "a", "", true),
            ("a=b=c", "a", "b=c", true),
            ("%61=%62", "a", "b", true),
            ("a=x%20y", "a", "x y", true),
            ("a=x+y", "a", "x+y", true),
            ("a=x+y", "a", "x y", false),
            ("a=%zz%4", "a", "%zz%4", true),
            ("a=1%262", "a", "1&2", true),
            ("a%3D1=2", "a=1", "2", true),
            ("", "a", "", false),
            ("&&a=1", "a", "1", true),
            ("ab=1", "a", "1", false),
        ];
        for (query, name, value, expected) in table {
            let mut buffer = Vec::new();
            let found = parameter(query.as_bytes(), name.as_bytes(), &mut buffer);
            assert_eq!(found == Some(value.as_bytes()), expected, "{name}={value} in {query}");
        }
    }

    #[test]
    fn the_first_question_mark_begins_the_query() {
        assert_eq!(split_target(b"/a?b?c"), (&b"/a"[..], Some(&b"b?c"[..])));
        assert_eq!(split_target(b"/a?"), (&b"/a"[..], Some(&b""[..])));
        assert_eq!(split_target(b"/a"), (&b"/a"[..], None));
    }
}
