//! Which request targets are taken (RFC 9112 section 3.2).
//!
//! What no target may hold is refused, since a backend may read it in another way than it was matched: `#` begins
//! a fragment to many, blanks and controls end or hide a part, bytes beyond ASCII have no one spelling, and
//! `\` is a slash to some.

use crate::query::split_target;

/// A target in the parts that are compared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RequestTarget<'a> {
    /// The path, or "*" for the server as a whole.
    pub path: &'a [u8],
    /// The query, without its question mark; empty where there is none.
    pub query: &'a [u8],
}

/// What is wrong with a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// It holds what no target may hold.
    Byte,
    /// It is neither in origin form nor the "*" of OPTIONS.
    Form,
}

impl<'a> RequestTarget<'a> {
    /// Takes a target apart: in origin form, or in the asterisk form that OPTIONS alone may have (RFC 9112
    /// section 3.2.4).
    pub fn parse(method: &[u8], target: &'a [u8]) -> Result<Self, Invalid> {
        if !target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#') {
            return Err(Invalid::Byte);
        }
        let (path, query) = split_target(target);
        if path.contains(&b'\\') || path.windows(3).any(|escape| escape == b"%00") {
            return Err(Invalid::Byte);
        }
        if !path.starts_with(b"/") && (method, target) != (b"OPTIONS", b"*") {
            return Err(Invalid::Form);
        }
        Ok(Self { path, query: query.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_path_and_query_or_the_asterisk_of_options() {
        let table = [
            ("GET", "/a?b?c", Ok(("/a", "b?c"))),
            ("GET", "/a", Ok(("/a", ""))),
            ("GET", r#"/a[b]{c}|"<>^`"#, Ok((r#"/a[b]{c}|"<>^`"#, ""))),
            ("GET", r"/a?b\c", Ok(("/a", r"b\c"))),
            ("GET", "/a%23b%5C%2F", Ok(("/a%23b%5C%2F", ""))),
            ("GET", "/a?%00", Ok(("/a", "%00"))),
            ("OPTIONS", "*", Ok(("*", ""))),
            ("OPTIONS", "/a", Ok(("/a", ""))),
            ("GET", "*", Err(Invalid::Form)),
            ("options", "*", Err(Invalid::Form)),
            ("OPTIONS", "*?a", Err(Invalid::Form)),
            ("GET", "", Err(Invalid::Form)),
            ("GET", "a", Err(Invalid::Form)),
            ("GET", "http://a.io/", Err(Invalid::Form)),
        ];
        for (method, target, expected) in table {
            let found = RequestTarget::parse(method.as_bytes(), target.as_bytes());
            let parts = |(path, query): (&'static str, &'static str)| RequestTarget {
                path: path.as_bytes(),
                query: query.as_bytes(),
            };
            assert_eq!(found, expected.map(parts), "{method} {target}");
        }
    }

    #[test]
    fn no_byte_passes_that_no_target_may_hold() {
        for byte in 0..=u8::MAX {
            let allowed = byte.is_ascii_graphic() && byte != b'#';
            for (before, in_path) in [("/admin", true), ("/admin?a=", false)] {
                let target = [before.as_bytes(), &[byte], b"x"].concat();
                let found = RequestTarget::parse(b"GET", &target).is_ok();
                let expected = allowed && !(in_path && byte == b'\\');
                assert_eq!(found, expected, "{}", target.escape_ascii());
            }
        }
        assert_eq!(RequestTarget::parse(b"GET", b"/admin%00"), Err(Invalid::Byte));
    }
}
