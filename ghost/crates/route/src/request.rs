//! What routing needs to know of a request.

use ghost_config::ValueTest;

use crate::selection::Buffers;

/// The header lines of a message, whoever holds them.
pub trait Headers {
    /// Name and value of each line, in order. Names may be in any case.
    fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])>;
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> Headers for [(N, V)] {
    fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

/// A request, borrowed from whoever received it.
#[derive(Debug)]
pub struct Request<'a, H: ?Sized> {
    /// Name of the Varnish socket that it came in by.
    pub socket: &'a [u8],
    /// Value of the Host header; empty where there is none.
    pub host: &'a [u8],
    /// Method.
    pub method: &'a [u8],
    /// Request target in origin form (path and query), or "*" of OPTIONS.
    pub target: &'a [u8],
    /// Header lines; Host among them or not.
    pub headers: &'a H,
}

/// Buffers that are kept from one request to the next, so that a warm one allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The path in the form for comparison.
    pub(crate) path: Vec<u8>,
    /// Values of headers and parameters.
    pub(crate) values: Buffers,
}

/// The value of the headers of this name: their lines, joined with commas. None where there is none.
pub(crate) fn header<'a, H: Headers + ?Sized>(
    request: &Request<'a, H>,
    name: &[u8],
    buffer: &'a mut Vec<u8>,
) -> Option<&'a [u8]> {
    if name.eq_ignore_ascii_case(b"host") {
        return Some(request.host);
    }
    let headers = request.headers;
    let mut lines = headers.lines().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let first = lines.next()?;
    let Some(second) = lines.next() else { return Some(first) };
    buffer.clear();
    buffer.extend_from_slice(first);
    for value in std::iter::once(second).chain(lines) {
        buffer.push(b',');
        buffer.extend_from_slice(value);
    }
    Some(buffer)
}

/// Whether a value passes a test.
pub(crate) fn passes(test: &ValueTest, value: &[u8]) -> bool {
    match test {
        ValueTest::Exact(expected) => **expected == *value,
        ValueTest::Regex(pattern) => pattern.is_match(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(lines: &[(&str, &str)], name: &str, value: &str) -> bool {
        let test = ValueTest::Exact(value.as_bytes().into());
        let request =
            Request { socket: b"http-80", host: b"a.io", method: b"GET", target: b"/", headers: lines };
        let mut buffer = b"left over".to_vec();
        header(&request, name.as_bytes(), &mut buffer).is_some_and(|value| passes(&test, value))
    }

    #[test]
    fn lines_of_one_name_are_joined_with_commas() {
        let lines = [("X-Color", "red"), ("other", "1"), ("x-color", ""), ("x-COLOR", "blue")];
        assert!(exact(&lines, "x-color", "red,,blue"));
        assert!(!exact(&lines, "x-color", "red"));
        assert!(exact(&lines, "other", "1"));
    }

    #[test]
    fn a_header_that_is_not_there_is_not_the_empty_value() {
        assert!(!exact(&[("a", "1")], "b", ""));
        assert!(exact(&[("b", "")], "b", ""));
    }

    #[test]
    fn the_host_is_a_header_too() {
        assert!(exact(&[], "host", "a.io"));
    }
}
