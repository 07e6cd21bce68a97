//! Takes a response's body out of the bytes of its connection, apart from any socket.

use crate::bad_response::BadResponse;
use crate::chunked::ChunkedDecoder;
use crate::framing::Framing;

/// How far one call of [`BodyDecoder::decode`] came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    /// How many bytes of the input belong to the body; fewer than there are only at its end.
    pub used: usize,
    /// How many bytes of data stand at the front of the buffer now.
    pub data: usize,
}

/// Decodes one body, piece by piece and in place.
#[derive(Debug, Clone)]
pub struct BodyDecoder(Kind);

#[derive(Debug, Clone)]
enum Kind {
    /// So many bytes are to come.
    Length(u64),
    Chunked(ChunkedDecoder),
    UntilClose,
    Closed,
}

impl BodyDecoder {
    /// A decoder of a body with this framing.
    pub fn new(framing: Framing) -> Self {
        BodyDecoder(match framing {
            Framing::Empty => Kind::Length(0),
            Framing::Length(length) => Kind::Length(length),
            Framing::Chunked => Kind::Chunked(ChunkedDecoder::new()),
            Framing::UntilClose => Kind::UntilClose,
        })
    }

    /// Whether the whole body has been decoded.
    pub fn is_complete(&self) -> bool {
        match &self.0 {
            Kind::Length(left) => *left == 0,
            Kind::Chunked(chunks) => chunks.is_complete(),
            Kind::UntilClose => false,
            Kind::Closed => true,
        }
    }

    /// How many bytes are to come, where that is known.
    pub(crate) fn left(&self) -> Option<u64> {
        match self.0 {
            Kind::Length(left) => Some(left),
            Kind::Chunked(_) | Kind::UntilClose | Kind::Closed => None,
        }
    }

    /// Takes account of bytes of a known length that came another way; no more than are [`left`](Self::left).
    pub(crate) fn pass_over(&mut self, count: usize) {
        if let Kind::Length(left) = &mut self.0 {
            *left = left.saturating_sub(count as u64);
        }
    }

    /// Decodes what the connection brought, moving the data to the front of the buffer. Errors where the
    /// coding is broken; nothing may be taken from the decoder after that.
    pub fn decode(&mut self, buffer: &mut [u8]) -> Result<Decoded, BadResponse> {
        Ok(match &mut self.0 {
            Kind::Length(left) => {
                let used = usize::try_from(*left).map_or(buffer.len(), |left| left.min(buffer.len()));
                *left -= used as u64;
                Decoded { used, data: used }
            }
            Kind::Chunked(chunks) => {
                let (used, data) = chunks.decode(buffer)?;
                Decoded { used, data }
            }
            Kind::UntilClose => Decoded { used: buffer.len(), data: buffer.len() },
            Kind::Closed => Decoded { used: 0, data: 0 },
        })
    }

    /// Tells the decoder that the backend closed the connection. Returns whether the body is whole.
    pub fn close(&mut self) -> bool {
        if matches!(self.0, Kind::UntilClose) {
            self.0 = Kind::Closed;
        }
        self.is_complete()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_ends_where_it_says_and_leaves_the_rest() {
        let mut body = BodyDecoder::new(Framing::Length(5));
        let mut first = *b"abc";
        assert_eq!(body.decode(&mut first), Ok(Decoded { used: 3, data: 3 }));
        assert!(!body.is_complete());
        let mut second = *b"deHTTP";
        assert_eq!(body.decode(&mut second), Ok(Decoded { used: 2, data: 2 }));
        assert!(body.is_complete());
    }

    #[test]
    fn closing_ends_only_a_body_that_lasts_until_then() {
        let table = [
            ("nothing", Framing::Empty, true),
            ("a length", Framing::Length(1), false),
            ("chunks", Framing::Chunked, false),
            ("until close", Framing::UntilClose, true),
        ];
        for (name, framing, want) in table {
            let mut body = BodyDecoder::new(framing);
            assert_eq!(body.close(), want, "{name}");
            assert_eq!(body.is_complete(), want, "{name}");
        }
    }
}
