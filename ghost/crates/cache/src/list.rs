//! Lists of a header field (RFC 9110 section 5.6.1), read without allocation.

/// The elements of a list, in order, without the space around them. Empty ones are left out. A
/// comma within a quoted string separates nothing; a quote that is never closed counts as any other
/// byte, so that it cannot hide what follows it.
pub fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    split(value, b',').filter(|element| !element.is_empty())
}

/// The parts of a value between separators outside quoted strings, without the space around them.
pub fn split(value: &[u8], separator: u8) -> Split<'_> {
    Split { rest: Some(value), separator, quotes: true }
}

/// An iterator over the parts of a value.
#[derive(Debug, Clone)]
pub struct Split<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
    /// Whether quotes are heeded. That ends with one that is not closed: none behind it is either,
    /// and looking for that at each separator would take the square of the length.
    quotes: bool,
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        let end = match self.end(rest) {
            Ok(end) => end,
            Err(Unclosed) => {
                self.quotes = false;
                rest.iter().position(|byte| *byte == self.separator)
            }
        };
        let Some(end) = end else { return Some(trim(rest)) };
        self.rest = Some(&rest[end + 1..]);
        Some(trim(&rest[..end]))
    }
}

struct Unclosed;

impl Split<'_> {
    /// Where the next separator is.
    fn end(&self, text: &[u8]) -> Result<Option<usize>, Unclosed> {
        let mut at = 0;
        loop {
            let is_end = |byte: &u8| *byte == self.separator || (*byte == b'"' && self.quotes);
            let Some(found) = text[at..].iter().position(is_end) else { return Ok(None) };
            at += found;
            if text[at] == self.separator {
                return Ok(Some(at));
            }
            at += 1 + quoted(&text[at + 1..])?;
        }
    }
}

/// How long a quoted string is, without the quote that it begins with.
fn quoted(text: &[u8]) -> Result<usize, Unclosed> {
    let mut bytes = text.iter().enumerate();
    loop {
        match bytes.next().ok_or(Unclosed)? {
            (at, b'"') => return Ok(at + 1),
            (_, b'\\') => _ = bytes.next(),
            _ => {}
        }
    }
}

/// Without the optional white space (RFC 9110 section 5.6.3) at both ends.
pub fn trim(text: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some(start) = text.iter().position(|byte| !is_space(byte)) else { return b"" };
    let end = text.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_separated_by_commas_outside_quotes() {
        let table: [(&str, &[&str]); 13] = [
            ("", &[]),
            ("a", &["a"]),
            ("a, b", &["a", "b"]),
            (" a\t,,b , ", &["a", "b"]),
            (",", &[]),
            (r#"a="b, c", d"#, &[r#"a="b, c""#, "d"]),
            (r#""a\", b", c"#, &[r#""a\", b""#, "c"]),
            (r#"a="b"c, d"#, &[r#"a="b"c"#, "d"]),
            // a quote that is not closed hides nothing
            (r#"a="b, no-store"#, &[r#"a="b"#, "no-store"]),
            (r#"a=", b="c, d", e"#, &[r#"a=", b="c"#, r#"d""#, "e"]),
            (r#""a\"#, &[r#""a\"#]),
            (r#"""#, &[r#"""#]),
            ("a b", &["a b"]),
        ];
        for (value, want) in table {
            let found: Vec<_> = elements(value.as_bytes()).map(|e| str::from_utf8(e).unwrap()).collect();
            assert_eq!(found, want, "{value:?}");
        }
    }
}
