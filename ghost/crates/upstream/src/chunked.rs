//! The chunked coding (RFC 9112 section 7.1): a strict decoder, apart from any socket.

/// Why chunks cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadChunk {
    /// The size is no hexadecimal number.
    #[error("its size is not a hexadecimal number")]
    Size,
    /// The size does not fit into 63 bits.
    #[error("its size is too large")]
    TooLarge,
    /// Extensions are malformed.
    #[error("its extension holds a control character")]
    Extension,
    /// A line does not end with CR LF, or data does not end where its size says.
    #[error("a line does not end with CR LF")]
    LineEnd,
    /// Sizes, extensions and trailers together are longer than a sound backend makes them.
    #[error("it has more framing than fits a sound message")]
    Overhead,
    /// A trailer line holds a control character.
    #[error("a trailer holds a control character")]
    Trailer,
}

/// How many bytes of extensions and trailers may come beyond what data makes up for. They are dropped, so
/// that a body made of them would keep a thread busy without getting anywhere.
const MAX_DROPPED: u64 = 16 * 1024;

/// How many bytes of extensions each chunk may have besides as many as its data has.
const FREE_PER_CHUNK: u64 = 16;

/// How many digits a size may have.
const MAX_DIGITS: u8 = 16;

/// Where in the coding the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the first digit of a size.
    SizeStart,
    /// Behind a digit.
    Size,
    /// In blanks behind the size, which only an extension may follow.
    SizeBlank,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// At the start of a line behind the last chunk.
    TrailerStart,
    Trailer,
    TrailerLf,
    EndLf,
    End,
}

/// Decodes a chunked body piece by piece, in place. Trailers are dropped (RFC 9110 section 6.5.1 allows
/// it, and requires it where nobody knows what they mean).
#[derive(Debug, Clone)]
pub(crate) struct ChunkedDecoder {
    state: State,
    /// What is left of the current chunk; its size so far while that is being read.
    left: u64,
    /// How many digits the current size has; leading zeros could go on for ever.
    digits: u8,
    /// Bytes dropped so far, less what data makes up for.
    dropped: u64,
}

impl ChunkedDecoder {
    pub(crate) fn new() -> Self {
        ChunkedDecoder { state: State::SizeStart, left: 0, digits: 0, dropped: 0 }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.state == State::End
    }

    /// Decodes the coded bytes of `buffer`, moving the data to its front. Returns how many bytes were
    /// used up, which is fewer than there are only behind the end of the body, and how many are data.
    pub(crate) fn decode(&mut self, buffer: &mut [u8]) -> Result<(usize, usize), BadChunk> {
        let (mut used, mut data) = (0, 0);
        while used < buffer.len() && self.state != State::End {
            if self.state == State::Data {
                let piece = usize::try_from(self.left).unwrap_or(usize::MAX);
                let piece = piece.min(buffer.len() - used);
                buffer.copy_within(used..used + piece, data);
                used += piece;
                data += piece;
                self.left -= piece as u64;
                if self.left == 0 {
                    self.state = State::DataCr;
                }
            } else {
                self.state = self.step(buffer[used])?;
                used += 1;
            }
        }
        Ok((used, data))
    }

    /// The state behind one byte of framing.
    fn step(&mut self, byte: u8) -> Result<State, BadChunk> {
        Ok(match (self.state, byte) {
            (State::SizeStart | State::Size, _) if byte.is_ascii_hexdigit() => self.digit(byte)?,
            (State::Size, b'\r') => State::SizeLf,
            (State::Size | State::SizeBlank, b';') => self.drop_byte(State::Extension)?,
            (State::Size | State::SizeBlank, b' ' | b'\t') => self.drop_byte(State::SizeBlank)?,
            (State::SizeStart | State::Size | State::SizeBlank, _) => return Err(BadChunk::Size),
            (State::Extension, b'\r') => State::SizeLf,
            (State::Extension, _) if is_text(byte) => self.drop_byte(State::Extension)?,
            (State::Extension, _) => return Err(BadChunk::Extension),
            (State::SizeLf, b'\n') if self.left == 0 => State::TrailerStart,
            (State::SizeLf, b'\n') => self.begin_data(),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::SizeStart,
            (State::TrailerStart, b'\r') => State::EndLf,
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::TrailerStart | State::Trailer, _) if is_text(byte) => self.drop_byte(State::Trailer)?,
            (State::TrailerStart | State::Trailer, _) => return Err(BadChunk::Trailer),
            (State::TrailerLf, b'\n') => State::TrailerStart,
            (State::EndLf, b'\n') => State::End,
            _ => return Err(BadChunk::LineEnd),
        })
    }

    fn digit(&mut self, byte: u8) -> Result<State, BadChunk> {
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            _ => (byte | 0x20) - b'a' + 10,
        };
        if self.state == State::SizeStart {
            (self.left, self.digits) = (0, 0);
        }
        self.digits += 1;
        if self.digits > MAX_DIGITS || self.left > i64::MAX as u64 >> 4 {
            return Err(BadChunk::TooLarge);
        }
        self.left = (self.left << 4) | u64::from(value);
        Ok(State::Size)
    }

    fn begin_data(&mut self) -> State {
        self.dropped = self.dropped.saturating_sub(self.left + FREE_PER_CHUNK);
        State::Data
    }

    fn drop_byte(&mut self, next: State) -> Result<State, BadChunk> {
        self.dropped += 1;
        if self.dropped > MAX_DROPPED {
            return Err(BadChunk::Overhead);
        }
        Ok(next)
    }
}

/// A byte that a line of text may hold: no control character but the tab.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests;
