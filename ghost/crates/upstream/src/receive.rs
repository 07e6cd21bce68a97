//! The buffer into which a response's head is received, and what it has got of the head so far.

use crate::bad_response::BadResponse;
use crate::buffers;
use crate::client::Client;
use crate::response::{Parsed, ParsedHead, ResponseHead, parse};

/// How much is received at first; most heads, and many a body with them, fit.
const FIRST: usize = 16 * 1024;

/// How many interim responses may come before the final one.
const MAX_INTERIM: u8 = 16;

/// Every response begins with this; the minor version follows.
const START: &[u8] = b"HTTP/1.";

/// Where the first digit of its status stands.
const STATUS: usize = START.len() + 2;

/// The bytes of a response, as far as they have come. Pure: the caller brings them.
#[derive(Debug)]
pub struct HeadBuffer {
    bytes: Vec<u8>,
    filled: usize,
    /// Up to where the end of the head has been looked for.
    scanned: usize,
    interim: u8,
    limit: usize,
    /// How much of it is counted among what all buffers together may have of early answers.
    reserved: usize,
}

impl HeadBuffer {
    /// An empty buffer for a head of at most `limit` bytes, in memory that may have served before.
    pub fn new(mut bytes: Vec<u8>, limit: usize) -> Self {
        bytes.resize(FIRST.min(limit), 0);
        HeadBuffer { bytes, filled: 0, scanned: 0, interim: 0, limit, reserved: 0 }
    }

    /// Takes the memory for another exchange; the buffer is empty then.
    pub(crate) fn take_memory(&mut self) -> Vec<u8> {
        (self.filled, self.scanned) = (0, 0);
        buffers::release(std::mem::take(&mut self.reserved));
        std::mem::take(&mut self.bytes)
    }

    /// Whether not a single byte has come.
    pub(crate) fn is_empty(&self) -> bool {
        self.filled == 0 && self.interim == 0
    }

    /// Room for what comes next; never empty. Errors where the head is as long as it may be.
    pub fn space(&mut self) -> Result<&mut [u8], BadResponse> {
        if self.filled == self.bytes.len() {
            let longer = (self.bytes.len() * 2).min(self.limit);
            if longer == self.bytes.len() {
                return Err(BadResponse::HeadTooLong(self.limit));
            }
            self.bytes.resize(longer, 0);
        }
        Ok(&mut self.bytes[self.filled..])
    }

    /// Room for what comes of the body behind a head, in a buffer that holds at most `limit` bytes of all
    /// that; none where there is no more of it, or where all buffers together have grown as large as they may.
    pub(crate) fn early_space(&mut self, limit: usize) -> Option<&mut [u8]> {
        if self.filled == self.bytes.len() {
            let longer = (self.bytes.len() * 2).min(limit.max(self.bytes.len()));
            let more = longer - self.bytes.len();
            if more == 0 || !buffers::reserve(more) {
                return None;
            }
            self.reserved += more;
            self.bytes.resize(longer, 0);
        }
        Some(&mut self.bytes[self.filled..])
    }

    /// Room for what has come of the body, in what is received at first; none where it is full.
    pub(crate) fn rest(&mut self) -> Option<&mut [u8]> {
        Some(&mut self.bytes[self.filled..]).filter(|rest| !rest.is_empty())
    }

    /// Takes account of `count` bytes that were put into [`space`](Self::space).
    pub fn advance(&mut self, count: usize) {
        self.filled += count;
    }

    /// The head of the final answer to a HEAD request or to another, once it is there. Interim responses go to
    /// the client as they come, but for 100 (Continue): that is about the body that this side sends (RFC 9110
    /// section 15.2). Errors where it breaks HTTP/1.1.
    pub fn head(&mut self, is_head: bool, client: &dyn Client) -> Result<Option<ParsedHead>, BadResponse> {
        loop {
            let bytes = &self.bytes[..self.filled];
            if !bytes.iter().zip(START).all(|(got, want)| got == want) {
                return Err(BadResponse::NotHttp);
            }
            // A parser that starts anew with each byte of a trickle would take quadratic time.
            if !ends_head(bytes, self.scanned) {
                self.scanned = self.filled;
                return Ok(None);
            }
            match parse(bytes, is_head)? {
                Parsed::Partial => return Err(BadResponse::Head("an empty line too early")),
                Parsed::Final(head) => return Ok(Some(head)),
                Parsed::Interim(head) => {
                    if head.status != 100 {
                        client.interim(&ResponseHead::new(&head, bytes));
                    }
                    self.skip(head.length)?;
                }
            }
        }
    }

    /// Whether a part of the final head is there, and not only of an interim response.
    pub(crate) fn has_final_begun(&self) -> bool {
        self.bytes().get(STATUS).is_some_and(|&digit| digit != b'1')
    }

    fn skip(&mut self, length: usize) -> Result<(), BadResponse> {
        self.interim += 1;
        if self.interim > MAX_INTERIM {
            return Err(BadResponse::TooManyInterim);
        }
        self.bytes.copy_within(length..self.filled, 0);
        self.filled -= length;
        self.scanned = 0;
        Ok(())
    }

    /// What was received from a place on, to be decoded there.
    pub(crate) fn behind(&mut self, start: usize) -> &mut [u8] {
        &mut self.bytes[start..self.filled]
    }

    /// Frees the memory of early bytes that were used, those between the head's end at `head` and `used`.
    /// What is left moves down, once it is no more than half. Returns up to where the bytes are used now.
    pub(crate) fn discard(&mut self, head: usize, used: usize) -> usize {
        let left = self.filled - used;
        if self.reserved == 0 || left > used - head {
            return used;
        }
        self.bytes.copy_within(used..self.filled, head);
        self.filled = head + left;
        let freed = self.reserved.min(self.bytes.len() - self.filled);
        self.bytes.truncate(self.bytes.len() - freed);
        self.bytes.shrink_to_fit();
        self.reserved -= freed;
        buffers::release(freed);
        head
    }

    /// Everything that was received, the head first.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Drop for HeadBuffer {
    fn drop(&mut self) {
        buffers::release(self.reserved);
    }
}

/// Whether an empty line ends the head, looking from where the last look ended. A line may end with LF
/// alone in a head (RFC 9112 section 2.2), as those of old CGI programs do.
fn ends_head(bytes: &[u8], scanned: usize) -> bool {
    // The empty line's own end can be new while the end of the line before it is not.
    let mut from = scanned.saturating_sub(2);
    while let Some(line_end) = bytes[from..].iter().position(|&byte| byte == b'\n') {
        from += line_end + 1;
        match &bytes[from..] {
            [b'\n', ..] | [b'\r', b'\n', ..] => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::client::NeverCancelled;

    fn receive(pieces: &[&[u8]]) -> Result<Option<ParsedHead>, BadResponse> {
        let mut buffer = HeadBuffer::new(Vec::new(), 16 * 1024);
        for piece in pieces {
            for part in piece.chunks(1024) {
                let space = buffer.space()?;
                space[..part.len()].copy_from_slice(part);
                buffer.advance(part.len());
            }
            if let Some(head) = buffer.head(false, &NeverCancelled)? {
                return Ok(Some(head));
            }
        }
        Ok(None)
    }

    #[test]
    fn a_head_is_found_wherever_the_pieces_are_cut() {
        for whole in [
            "HTTP/1.1 200 OK\r\nA: b\r\n\r\n",
            "HTTP/1.1 200 OK\nA: b\n\n",
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        ] {
            for cut in 0..=whole.len() {
                let (first, second) = whole.as_bytes().split_at(cut);
                let head = receive(&[first, second]).unwrap().expect("a head");
                assert_eq!(head.status, 200, "cut at {cut}");
            }
            let bytes: Vec<&[u8]> = whole.as_bytes().chunks(1).collect();
            assert_eq!(receive(&bytes).unwrap().expect("a head").status, 200);
        }
    }

    #[test]
    fn a_part_of_the_final_head_is_told_from_interim_responses() {
        let table = [
            ("", false),
            ("HTTP/1.1 ", false),
            ("HTTP/1.1 2", true),
            ("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n", false),
            ("HTTP/1.1 103 Early Hints\r\n\r\n", false),
            ("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nA:", true),
        ];
        for (received, expected) in table {
            let mut buffer = HeadBuffer::new(Vec::new(), 1024);
            buffer.space().unwrap()[..received.len()].copy_from_slice(received.as_bytes());
            buffer.advance(received.len());
            assert!(buffer.head(false, &NeverCancelled).unwrap().is_none());
            assert_eq!(buffer.has_final_begun(), expected, "{received:?}");
        }
    }

    #[test]
    fn what_is_no_response_is_refused_at_its_first_wrong_byte() {
        for start in ["\x15\x03\x01", "\r\nHTTP/1.1 200 OK", "HTTP/2", "hello", "http/1.1"] {
            assert_eq!(receive(&[start.as_bytes()]).unwrap_err(), BadResponse::NotHttp, "{start:?}");
        }
    }

    #[test]
    fn a_head_may_have_its_limit_and_no_more() {
        let head = |length: usize| {
            let around = "HTTP/1.1 200 OK\r\nA: \r\n\r\n".len();
            format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(length - around))
        };
        assert!(receive(&[head(16 * 1024).as_bytes()]).unwrap().is_some());
        assert_eq!(
            receive(&[head(16 * 1024 + 1).as_bytes()]).unwrap_err(),
            BadResponse::HeadTooLong(16 * 1024)
        );
    }

    #[test]
    fn early_bytes_are_freed_as_they_are_used() {
        let head = b"HTTP/1.1 200 OK\r\n\r\n";
        let mut buffer = HeadBuffer::new(Vec::new(), 16 * 1024);
        buffer.space().unwrap()[..head.len()].copy_from_slice(head);
        buffer.advance(head.len());
        let mut count = 0u8;
        while let Some(space) = buffer.early_space(1024 * 1024) {
            space.iter_mut().for_each(|byte| {
                *byte = count;
                count = count.wrapping_add(1);
            });
            let length = space.len();
            buffer.advance(length);
        }
        let (body, mut used, mut read) = (buffer.bytes()[head.len()..].to_vec(), head.len(), Vec::new());
        let all = buffer.reserved;
        assert_eq!(all, 1024 * 1024 - FIRST);
        while used < buffer.bytes().len() {
            let end = buffer.bytes().len().min(used + 1000);
            read.extend_from_slice(&buffer.bytes()[used..end]);
            used = buffer.discard(head.len(), end);
            let left = buffer.bytes().len() - used;
            assert!(buffer.reserved <= 2 * left + 1000, "{} for {left}", buffer.reserved);
            assert_eq!(&buffer.bytes()[..head.len()], head);
        }
        assert!(read == body);
        assert_eq!((buffer.reserved, used), (0, buffer.bytes().len()));
    }

    #[test]
    fn interim_responses_go_to_the_client() {
        /// Notes what it is told.
        #[derive(Default)]
        struct Recorder(RefCell<Vec<String>>);

        impl Client for Recorder {
            fn is_gone(&self) -> bool {
                false
            }

            fn interim(&self, head: &ResponseHead<'_>) {
                let fields = head
                    .end_to_end_fields()
                    .map(|(name, value)| format!("{}: {}", name.escape_ascii(), value.escape_ascii()));
                let line = format!("{} {}", head.status(), fields.collect::<Vec<_>>().join(", "));
                self.0.borrow_mut().push(line);
            }
        }

        // RFC 9110 section 15.2
        let whole = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: \
            y\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n";
        for cut in 0..=whole.len() {
            let (client, mut buffer) = (Recorder::default(), HeadBuffer::new(Vec::new(), 1024));
            let mut status = None;
            for part in [&whole[..cut], &whole[cut..]] {
                buffer.space().unwrap()[..part.len()].copy_from_slice(part.as_bytes());
                buffer.advance(part.len());
                status = buffer.head(false, &client).unwrap().map(|head| head.status);
            }
            assert_eq!(status, Some(200), "cut at {cut}");
            assert_eq!(client.0.into_inner(), ["103 Link: </a>", "102 "], "cut at {cut}");
        }
    }

    #[test]
    fn interim_responses_come_to_an_end() {
        let interim = "HTTP/1.1 100 Continue\r\n\r\n";
        let many = interim.repeat(MAX_INTERIM.into()) + "HTTP/1.1 200 OK\r\n\r\n";
        assert!(receive(&[many.as_bytes()]).unwrap().is_some());
        let too_many = interim.repeat(usize::from(MAX_INTERIM) + 1);
        assert_eq!(receive(&[too_many.as_bytes()]).unwrap_err(), BadResponse::TooManyInterim);
    }
}
