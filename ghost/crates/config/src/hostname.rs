//! Hostnames that a listener or a route serves.

/// Which hosts are served. Names are in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Hostname {
    /// Every host.
    Any,
    /// This one alone.
    Exact(Box<str>),
    /// Every host that ends in a dot and this suffix: "a.io" for "*.a.io", which serves "x.a.io" and
    /// "y.x.a.io", but not "a.io".
    Wildcard(Box<str>),
}

impl Hostname {
    /// Reads "", "name" or "*.suffix"; `None` where it is none of these.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::Any);
        }
        if text.len() > MAX_NAME {
            return None;
        }
        match text.strip_prefix("*.") {
            Some(suffix) => is_name(suffix).then(|| Self::Wildcard(suffix.into())),
            None => is_name(text).then(|| Self::Exact(text.into())),
        }
    }
}

/// Lower-case labels of letters, digits, hyphens and underscores, within DNS's 63 and 253 characters.
pub(crate) fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME && name.split('.').all(is_label)
}

/// The longest hostname (RFC 1035 section 2.3.4, without the dots' own octets).
pub const MAX_NAME: usize = 253;

fn is_label(label: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=63).contains(&label.len()) && label.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostnames_are_read_as_what_they_serve() {
        assert_eq!(Hostname::parse(""), Some(Hostname::Any));
        assert_eq!(Hostname::parse("a.io"), Some(Hostname::Exact("a.io".into())));
        assert_eq!(Hostname::parse("*.a.io"), Some(Hostname::Wildcard("a.io".into())));
        assert_eq!(Hostname::parse("10.0.0.1"), Some(Hostname::Exact("10.0.0.1".into())));
    }

    #[test]
    fn what_is_no_hostname_is_refused() {
        let label = format!("{}.io", "a".repeat(64));
        let name = ["a"; 128].join(".");
        let table =
            ["*", "*.", ".", "a.", "A.io", "a..b", "a.*.io", "a b", "a/b", "a:80", "é.io", &label, &name];
        for text in table {
            assert_eq!(Hostname::parse(text), None, "{text:?}");
        }
    }
}
