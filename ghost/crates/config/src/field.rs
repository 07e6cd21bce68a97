//! Which texts may stand in the fields of an HTTP message.

/// RFC 9110 section 5.6.2: what header names and methods are made of.
pub fn is_token(text: impl AsRef<[u8]>) -> bool {
    let text = text.as_ref();
    !text.is_empty() && text.iter().copied().all(is_token_byte)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// RFC 9110 section 5.5: no control character but the tab may stand in a value. Some would end or cut its line.
pub(crate) fn is_field_value(text: &str) -> bool {
    !text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t')
}

/// Whether a text can become the path of a request line or of a Location.
pub(crate) fn is_path(text: &str) -> bool {
    !text.contains(['?', '#', '\r', '\n', '\0', ' '])
}

/// A path as it may be written: what is not printable ASCII is percent-encoded.
pub(crate) fn encode_path(text: &str) -> Box<str> {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded.into()
}

/// A TCP port.
pub(crate) fn port(number: i32) -> Option<u16> {
    u16::try_from(number).ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_passes_that_would_end_a_line() {
        for text in ["a\r\nb", "a\nb", "a\0b"] {
            assert!(!is_field_value(text) && !is_token(text) && !is_path(text), "{text:?}");
        }
    }

    #[test]
    fn paths_are_written_in_printable_ascii() {
        assert_eq!(&*encode_path("/a%20b/~"), "/a%20b/~");
        assert_eq!(&*encode_path("/é\t"), "/%C3%A9%09");
    }

    #[test]
    fn ports_are_1_to_65535() {
        assert_eq!((port(0), port(1), port(65535)), (None, Some(1), Some(65535)));
        assert_eq!((port(-1), port(65536)), (None, None));
    }
}
