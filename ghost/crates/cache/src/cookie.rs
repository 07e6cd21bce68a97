//! Cookies of a request (RFC 6265 section 4.2).

use crate::list::trim;

/// The cookies of one line of the Cookie field, as name and whole pair (`name=value`), without the
/// space around them. One without an equals sign is all name.
pub fn pairs(line: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    line.split(|byte| *byte == b';').map(trim).filter(|pair| !pair.is_empty()).map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=');
        (trim(&pair[..equals.unwrap_or(pair.len())]), pair)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_pairs() {
        let table: [(&str, &[(&str, &str)]); 6] = [
            ("a=1; b=2", &[("a", "a=1"), ("b", "b=2")]),
            ("a=1;b=2;; a=3 ", &[("a", "a=1"), ("b", "b=2"), ("a", "a=3")]),
            ("a=b=c", &[("a", "a=b=c")]),
            ("a; =b; a =c", &[("a", "a"), ("", "=b"), ("a", "a =c")]),
            ("a=\"x; b=2\"", &[("a", "a=\"x"), ("b", "b=2\"")]),
            ("", &[]),
        ];
        for (line, want) in table {
            let text = |bytes| str::from_utf8(bytes).unwrap();
            let found: Vec<_> = pairs(line.as_bytes()).map(|(name, pair)| (text(name), text(pair))).collect();
            assert_eq!(found, want, "{line}");
        }
    }
}
