//! Names of cookies and query parameters, by themselves or by how they begin.

use std::fmt;

/// A name, or the beginning of names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NamePattern {
    text: Box<[u8]>,
    is_prefix: bool,
}

impl NamePattern {
    /// The pattern that a text stands for: all names that begin so where it ends in `*`, else this one.
    /// Case counts.
    pub fn new(text: &[u8]) -> Self {
        match text.strip_suffix(b"*") {
            Some(start) => Self { text: start.into(), is_prefix: true },
            None => Self { text: text.into(), is_prefix: false },
        }
    }

    /// Whether a name fits.
    pub fn fits(&self, name: &[u8]) -> bool {
        if self.is_prefix { name.starts_with(&self.text) } else { *self.text == *name }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", String::from_utf8_lossy(&self.text), if self.is_prefix { "*" } else { "" })
    }
}

impl From<&str> for NamePattern {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_name_or_how_names_begin() {
        let table = [
            ("a", "a", true),
            ("a", "A", false),
            ("a", "ab", false),
            ("utm_*", "utm_source", true),
            ("utm_*", "utm_", true),
            ("utm_*", "utm", false),
            ("*", "", true),
            ("*", "a", true),
            ("a*b", "a*b", true),
            ("a*b", "axb", false),
        ];
        for (pattern, name, want) in table {
            assert_eq!(NamePattern::from(pattern).fits(name.as_bytes()), want, "{pattern} {name}");
        }
    }
}
