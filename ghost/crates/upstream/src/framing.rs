//! How long a response's body is (RFC 9112 section 6), decided from its head alone.

use crate::bad_response::BadResponse;

/// How the end of a message's body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is no body, whatever the head says of one.
    Empty,
    /// So many bytes.
    Length(u64),
    /// Chunks, of which the last one is empty.
    Chunked,
    /// All that comes until the backend closes the connection.
    UntilClose,
}

/// What the head of a response says of its length.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lengths {
    /// Content-Length, where there is one.
    pub(crate) content_length: Option<u64>,
    /// Whether Transfer-Encoding is there; it can only be "chunked".
    pub(crate) chunked: bool,
}

impl Lengths {
    /// Takes account of one header field. Errors where the field leaves any doubt about the length.
    pub(crate) fn field(&mut self, name: &[u8], value: &[u8]) -> Result<(), BadResponse> {
        if name.eq_ignore_ascii_case(b"content-length") {
            self.content_length(value)
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.transfer_encoding(value)
        } else {
            Ok(())
        }
    }

    /// Copies of one and the same length, as lines or as a list, are one length (RFC 9110 section 8.6).
    fn content_length(&mut self, value: &[u8]) -> Result<(), BadResponse> {
        for item in value.split(|&b| b == b',') {
            let length = decimal(item.trim_ascii()).ok_or(BadResponse::ContentLength)?;
            if self.content_length.is_some_and(|other| other != length) {
                return Err(BadResponse::ContentLength);
            }
            self.content_length = Some(length);
        }
        Ok(())
    }

    /// The request says by its missing TE that it takes no coding but chunked, so that any other one, or
    /// a second one, is a fault (RFC 9112 section 6.1).
    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), BadResponse> {
        if self.chunked || !value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
            return Err(BadResponse::TransferEncoding);
        }
        self.chunked = true;
        Ok(())
    }

    /// The framing of a response with this status to a request with this method. Errors where the two
    /// lengths contradict each other, also where there is no body: such a head was made to be
    /// understood in two ways.
    pub(crate) fn framing(
        self,
        minor_version: u8,
        status: u16,
        is_head: bool,
    ) -> Result<Framing, BadResponse> {
        if self.chunked && self.content_length.is_some() {
            return Err(BadResponse::LengthAndEncoding);
        }
        if self.chunked && minor_version == 0 {
            return Err(BadResponse::TransferEncoding);
        }
        let bodiless = is_head || matches!(status, 100..=199 | 204 | 304);
        Ok(match self.content_length {
            _ if bodiless => Framing::Empty,
            _ if self.chunked => Framing::Chunked,
            Some(0) => Framing::Empty,
            Some(length) => Framing::Length(length),
            None => Framing::UntilClose,
        })
    }
}

/// A number of decimal digits only, that fits into 63 bits.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        let number = number.checked_mul(10)?.checked_add(digit)?;
        (number <= i64::MAX as u64).then_some(number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(status: u16, head: bool, fields: &[(&str, &str)]) -> Result<Framing, BadResponse> {
        let mut lengths = Lengths::default();
        for (name, value) in fields {
            lengths.field(name.as_bytes(), value.as_bytes())?;
        }
        lengths.framing(1, status, head)
    }

    #[test]
    fn the_length_follows_from_status_method_and_fields() {
        let length = ("Content-Length", "5");
        let chunked = ("Transfer-Encoding", "Chunked");
        let table = [
            ("a length", 200, false, vec![length], Framing::Length(5)),
            ("chunked", 200, false, vec![chunked], Framing::Chunked),
            ("neither", 200, false, vec![], Framing::UntilClose),
            ("no bytes", 200, false, vec![("content-length", "0")], Framing::Empty),
            ("HEAD with a length", 200, true, vec![length], Framing::Empty),
            ("HEAD with chunked", 200, true, vec![chunked], Framing::Empty),
            ("HEAD with neither", 200, true, vec![], Framing::Empty),
            ("204 with a length", 204, false, vec![length], Framing::Empty),
            ("304 with a length", 304, false, vec![length], Framing::Empty),
            ("304 with chunked", 304, false, vec![chunked], Framing::Empty),
            ("equal lengths on two lines", 200, false, vec![length, length], Framing::Length(5)),
            ("equal lengths in a list", 200, false, vec![("Content-Length", "5, 5")], Framing::Length(5)),
            (
                "the longest length",
                200,
                false,
                vec![("Content-Length", "9223372036854775807")],
                Framing::Length(i64::MAX as u64),
            ),
        ];
        for (name, status, head, fields, want) in table {
            assert_eq!(framing(status, head, &fields).unwrap(), want, "{name}");
        }
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_refused() {
        let length = ("Content-Length", "5");
        let chunked = ("Transfer-Encoding", "chunked");
        let table: [&[(&str, &str)]; 20] = [
            &[length, chunked],
            &[chunked, length],
            &[chunked, chunked],
            &[length, ("Content-Length", "6")],
            &[("Content-Length", "5, 6")],
            &[("Content-Length", "5,")],
            &[("Content-Length", "")],
            &[("Content-Length", "+5")],
            &[("Content-Length", "-5")],
            &[("Content-Length", "0x5")],
            &[("Content-Length", "5 5")],
            &[("Content-Length", "5.0")],
            &[("Content-Length", "9223372036854775808")],
            &[("Content-Length", "99999999999999999999999")],
            &[("Transfer-Encoding", "")],
            &[("Transfer-Encoding", "xchunked")],
            &[("Transfer-Encoding", "chunked, chunked")],
            &[("Transfer-Encoding", "gzip, chunked")],
            &[("Transfer-Encoding", "chunked;q=1")],
            &[("Transfer-Encoding", "identity")],
        ];
        for fields in table {
            for head in [false, true] {
                assert!(framing(200, head, fields).is_err(), "{fields:?}");
            }
        }
    }

    #[test]
    fn http_1_0_knows_no_chunks() {
        let mut lengths = Lengths::default();
        lengths.field(b"Transfer-Encoding", b"chunked").unwrap();
        assert!(lengths.framing(0, 200, false).is_err());
    }
}
