//! Query parameters.

use ghost_config::path;

/// The value of the first parameter of this name. Names and values are percent-decoded and case-sensitive; `+`
/// stays, as do malformed escapes. A parameter without `=` has the empty value.
pub(crate) fn parameter<'a>(query: &'a [u8], name: &[u8], buffer: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    let mut parameters = query.split(|byte| *byte == b'&').map(|part| split_at(part, b'='));
    let (_, value) = parameters.find(|(found, _)| decode(found, buffer) == name)?;
    Some(decode(value, buffer))
}

/// Splits a request target into its path and its query, which is `None` where there is no `?`.
pub(crate) fn split_target(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    match target.iter().position(|byte| *byte == b'?') {
        Some(at) => (&target[..at], Some(&target[at + 1..])),
        None => (target, None),
    }
}

fn split_at(text: &[u8], separator: u8) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == separator) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, b""),
    }
}

/// The text without escapes: itself where it has none, else decoded into `buffer`.
fn decode<'a>(text: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
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
