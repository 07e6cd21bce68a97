//! The tags of an object, by which it can be invalidated.

/// The tags that a field lists: words between white space and commas.
pub fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| matches!(byte, b' ' | b'\t' | b',')).filter(|tag| !tag.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_words() {
        let table: [(&str, &[&str]); 5] = [
            ("", &[]),
            ("a", &["a"]),
            (" a  b\tc ", &["a", "b", "c"]),
            ("a,b, c,,", &["a", "b", "c"]),
            ("product-1 category/2", &["product-1", "category/2"]),
        ];
        for (value, expected) in table {
            let found: Vec<_> =
                words(value.as_bytes()).map(|tag| std::str::from_utf8(tag).unwrap()).collect();
            assert_eq!(found, expected, "{value:?}");
        }
    }
}
