//! Sending a request's body, with an eye on an answer that comes before its end.

use std::io::{self, IoSlice};
use std::time::Instant;

use crate::client::Client;
use crate::connection::{Connection, closed};
use crate::deadline::{Deadline, Timeouts};
use crate::error::{Error, Phase};
use crate::receive::HeadBuffer;
use crate::request::BodyLength;
use crate::response::ParsedHead;
use crate::settings::Settings;

/// The body of a request.
pub enum Body<'a> {
    /// There is none.
    Empty,
    /// So many bytes, and who writes them.
    Known(u64, Source<'a>),
    /// A body of unknown length, and who writes it.
    Chunked(Source<'a>),
}

/// Writes a request body piece by piece into the upload. It is called at most once, after the head has been
/// sent. It should return as soon as a write says [`Stopped`]; its own error says that the
/// body could not be read to its end.
pub type Source<'a> = &'a mut dyn FnMut(&mut Upload<'_>) -> Result<(), Stopped>;

/// There is no use in writing, or no way to read, any more of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request body stops here")]
pub struct Stopped;

impl Body<'_> {
    pub(crate) fn length(&self) -> BodyLength {
        match self {
            Body::Empty => BodyLength::Empty,
            Body::Known(length, _) => BodyLength::Known(*length),
            Body::Chunked(_) => BodyLength::Chunked,
        }
    }
}

/// Of a body that comes in large pieces, so many bytes may go out without a look whether there is an answer: a
/// look is a system call.
const LOOK_EVERY: usize = 64 * 1024;

/// How long a large piece is.
const LARGE_PIECE: usize = 8 * 1024;

/// A connection to a backend, and what has been received of its answer.
pub(crate) struct Wire<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) received: &'a mut HeadBuffer,
    /// Whether it answers a HEAD request.
    pub(crate) is_head: bool,
}

/// What an upload may take.
pub(crate) struct Bounds<'a> {
    pub(crate) timeouts: &'a Timeouts,
    pub(crate) settings: &'a Settings,
    /// When the exchange began.
    pub(crate) begun: Instant,
}

/// The way of a body to the backend.
pub struct Upload<'a> {
    wire: Wire<'a>,
    bounds: Bounds<'a>,
    client: &'a dyn Client,
    /// How much is to come; none where it is chunked.
    left: Option<u64>,
    answer: Option<ParsedHead>,
    /// Whether there is still something to receive, and room for it.
    may_receive: bool,
    /// How many bytes were sent since the last look for an answer.
    unseen: usize,
    /// What was written so far, where it is kept for another attempt.
    kept: Option<Kept>,
    end: Option<End>,
}

/// A body that is kept as long as it is short.
struct Kept {
    bytes: Vec<u8>,
    limit: usize,
}

/// Why nothing more is sent.
enum End {
    /// The backend has answered and wants no more.
    Answered,
    Failed(Error),
}

/// How an upload ended, where it did not fail.
#[derive(Debug, Default)]
pub(crate) struct Uploaded {
    /// The answer's head, where it came before the body's end.
    pub(crate) answer: Option<ParsedHead>,
    /// Whether the body was sent to its end.
    pub(crate) is_whole: bool,
}

impl<'a> Upload<'a> {
    pub(crate) fn new(
        wire: Wire<'a>,
        bounds: Bounds<'a>,
        client: &'a dyn Client,
        length: BodyLength,
    ) -> Self {
        Upload {
            wire,
            bounds,
            client,
            left: match length {
                BodyLength::Empty => Some(0),
                BodyLength::Known(length) => Some(length),
                BodyLength::Chunked => None,
            },
            answer: None,
            may_receive: true,
            unseen: LOOK_EVERY,
            kept: None,
            end: None,
        }
    }

    /// Keeps what is written, if it is at most so many bytes.
    pub(crate) fn keep(&mut self, limit: usize) {
        self.kept = Some(Kept { bytes: Vec::new(), limit });
    }

    /// Runs the source and ends the body. Returns the whole body as well, where it was kept.
    pub(crate) fn run(mut self, source: Source<'_>) -> (Result<Uploaded, Error>, Option<Vec<u8>>) {
        let read = source(&mut self);
        if self.end.is_none() {
            self.finish(read.is_ok());
        }
        let is_read = read.is_ok() && self.left.is_none_or(|left| left == 0);
        let kept = self.kept.filter(|_| is_read).map(|kept| kept.bytes);
        let is_whole = self.end.is_none();
        let result = match self.end {
            Some(End::Failed(error)) => Err(error),
            _ => Ok(Uploaded { answer: self.answer, is_whole }),
        };
        (result, kept)
    }

    /// Sends a piece of the body. Errors where no more shall be sent, since the backend has answered or the
    /// connection has failed; the exchange knows which.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), Stopped> {
        // However slowly the client sends, it does not hold a place at the backend for ever.
        if self.bounds.begun.elapsed() >= self.bounds.settings.request_timeout {
            return self.note(Err(End::Failed(Error::SlowRequest)));
        }
        self.keep_piece(piece);
        if self.end.is_some() {
            return self.go_on(piece);
        }
        // An empty chunk would end the body.
        if piece.is_empty() {
            return Ok(());
        }
        let sent = match self.left {
            Some(left) => match left.checked_sub(piece.len() as u64) {
                Some(rest) => {
                    self.left = Some(rest);
                    self.send(&mut [IoSlice::new(piece)])
                }
                // More than was announced would be read as another request.
                None => Err(End::Failed(Error::RequestBody)),
            },
            None => {
                let size = format!("{:x}\r\n", piece.len());
                self.send(&mut [IoSlice::new(size.as_bytes()), IoSlice::new(piece), IoSlice::new(b"\r\n")])
            }
        };
        self.note(sent).or_else(|_| self.go_on(&[]))
    }

    fn keep_piece(&mut self, piece: &[u8]) {
        if let Some(kept) = &mut self.kept {
            match kept.bytes.len() + piece.len() <= kept.limit {
                true => kept.bytes.extend_from_slice(piece),
                false => self.kept = None,
            }
        }
    }

    /// Goes on reading where nothing is sent any more, if the next attempt will need the whole body: the
    /// connection was closed without an answer, and the body is short so far.
    fn go_on(&mut self, piece: &[u8]) -> Result<(), Stopped> {
        let is_unanswered = self.answer.is_none() && self.wire.received.is_empty();
        let is_closed = matches!(self.end, Some(End::Failed(Error::Closed { .. })));
        if self.kept.is_none() || !is_unanswered || !is_closed {
            return Err(Stopped);
        }
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(piece.len() as u64).ok_or(Stopped)?;
        }
        Ok(())
    }

    fn finish(&mut self, is_whole: bool) {
        let sent = match self.left {
            _ if !is_whole => Err(End::Failed(Error::RequestBody)),
            Some(0) => Ok(()),
            Some(_) => Err(End::Failed(Error::RequestBody)),
            None => self.send(&mut [IoSlice::new(b"0\r\n\r\n")]),
        };
        // What there is to say about it is kept.
        let _ = self.note(sent);
    }

    fn note(&mut self, sent: Result<(), End>) -> Result<(), Stopped> {
        sent.map_err(|end| {
            self.end = Some(end);
            Stopped
        })
    }

    /// Sends all slices, unless an answer comes that makes it needless.
    fn send(&mut self, mut slices: &mut [IoSlice<'_>]) -> Result<(), End> {
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        self.unseen += length;
        // A client that sends slowly has small pieces, and each may be the last for long.
        if length < LARGE_PIECE || self.unseen >= LOOK_EVERY {
            self.unseen = 0;
            self.look()?;
        }
        let mut deadline = self.deadline();
        while !slices.is_empty() {
            match self.wire.connection.send_now(slices) {
                Ok(Some(count)) => {
                    IoSlice::advance_slices(&mut slices, count);
                    deadline = self.deadline();
                }
                Ok(None) if self.wait(deadline)? => deadline = self.deadline(),
                Ok(None) => {}
                Err(error) => return Err(self.early_answer(error, deadline)),
            }
        }
        Ok(())
    }

    /// Waits until there is room to send, or something of the answer has come. A backend that answers
    /// without reading would otherwise be waited for in vain, and so would one that reads no more until
    /// somebody takes its answer. Returns whether something came.
    fn wait(&mut self, deadline: Deadline) -> Result<bool, End> {
        let connection = self.wire.connection;
        let waited = connection.wait_to_send(self.may_receive, deadline, self.client);
        let ready = waited.map_err(|error| self.stuck(error))?;
        if !self.may_receive || !ready.readable || ready.writable {
            return Ok(false);
        }
        match self.answer {
            None => self.look().map(|()| true),
            Some(_) => Ok(self.take_early()),
        }
    }

    /// Takes some of the answer's body, that comes while the backend still reads the request. Returns
    /// whether there was any.
    fn take_early(&mut self) -> bool {
        let received = match self.wire.received.early_space(self.bounds.settings.max_early) {
            Some(space) => self.wire.connection.receive_now(space),
            None => Ok(Some(0)),
        };
        match received {
            Ok(Some(count @ 1..)) => self.wire.received.advance(count),
            Ok(None) => {}
            // Whoever reads the body learns of it.
            Ok(Some(0)) | Err(_) => self.may_receive = false,
        }
        self.may_receive
    }

    /// A backend that has answered and reads no more is not waited for any longer: its answer counts.
    fn stuck(&self, error: Error) -> End {
        match &self.answer {
            Some(_) if !matches!(error, Error::ClientGone) => End::Answered,
            _ => End::Failed(error),
        }
    }

    /// Takes what has come of an answer, without waiting. An answer that is no success ends the upload
    /// (RFC 9112 section 9.5). A success does not: the backend may answer while it reads.
    fn look(&mut self) -> Result<(), End> {
        while self.answer.is_none() {
            match self.take().map_err(End::Failed)? {
                Some(_) => {}
                None => return Ok(()),
            }
        }
        match &self.answer {
            Some(answer) if answer.status >= 300 => Err(End::Answered),
            _ => Ok(()),
        }
    }

    /// Receives once without waiting; none where nothing has come.
    fn take(&mut self) -> Result<Option<()>, Error> {
        let space = self.wire.received.space()?;
        match self.wire.connection.receive_now(space) {
            Ok(None) => Ok(None),
            Ok(Some(0)) => Err(closed(io::ErrorKind::UnexpectedEof.into(), self.deadline())),
            Ok(Some(count)) => {
                self.wire.received.advance(count);
                self.answer = self.wire.received.head(self.wire.is_head, self.client)?;
                Ok(Some(()))
            }
            Err(error) => Err(closed(error, self.deadline())),
        }
    }

    /// A backend that closes may have answered before; what it said is still there to be received.
    fn early_answer(&mut self, error: io::Error, deadline: Deadline) -> End {
        while self.answer.is_none() {
            match self.take() {
                Ok(Some(())) => {}
                Ok(None) | Err(_) => return End::Failed(closed(error, deadline)),
            }
        }
        End::Answered
    }

    fn deadline(&self) -> Deadline {
        let whole = self.bounds.begun.checked_add(self.bounds.settings.request_timeout);
        self.bounds.timeouts.deadline(Phase::Sending, Instant::now()).no_later_than(whole)
    }
}
