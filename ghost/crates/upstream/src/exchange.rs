//! An exchange whose response's head has come: the head, and the way to the body.

mod spliced;

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use crate::body::BodyDecoder;
use crate::buffers;
use crate::client::Client;
use crate::connection::{Connection, closed};
use crate::deadline::Timeouts;
use crate::dispatch::{self, Answer};
use crate::endpoint::{Endpoint, Lease};
use crate::error::{Error, Phase};
use crate::receive::HeadBuffer;
use crate::request::RequestHead;
use crate::response::{ParsedHead, ResponseHead};
use crate::retry::Retry;
use crate::service::Service;
use crate::upload::Body;

pub use spliced::{NotMoved, SPLICED_FROM, Spliced};

/// How much of a body is received at a time where it is lent.
const WINDOW: usize = 64 * 1024;

/// A request that was sent and whose response's head has come. Dropped before the body's end, it closes the
/// connection; at the body's end the connection goes back to its endpoint at once.
#[derive(Debug)]
pub struct Exchange {
    received: HeadBuffer,
    head: ParsedHead,
    /// Up to where the received bytes have been used.
    used: usize,
    /// The piece of the body that is lent next, where that was looked for; it stands among the received
    /// bytes.
    next: Option<Range<usize>>,
    body: BodyDecoder,
    /// Into which the body is received that is lent; empty until then.
    window: Vec<u8>,
    timeouts: Timeouts,
    endpoint: Arc<Endpoint>,
    is_reused: bool,
    is_recycled: bool,
    /// None once the connection was given back or closed.
    open: Option<Open>,
    ticket: Ticket,
}

/// The options of one exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestOptions {
    /// How long each part of it may take.
    pub timeouts: Timeouts,
    /// What is tried again.
    pub retry: Retry,
}

/// What is held until the body's end.
#[derive(Debug)]
struct Open {
    connection: Connection,
    lease: Lease,
    /// Whether the backend expects a new request behind this one, which was sent to its end.
    is_request_whole: bool,
    /// Whether something came that does not belong to the answer.
    has_surplus: bool,
}

/// The place of an exchange among those of its service.
#[derive(Debug)]
pub(crate) struct Ticket(Option<Arc<Service>>);

impl Service {
    /// Sends a request and receives the head of its answer.
    ///
    /// An endpoint that cannot be connected to is followed by another one, whatever the method, since
    /// nothing was sent. A request whose connection had been used before is sent once more on a fresh one
    /// where the backend closed it without a byte of an answer, the body is not read or short, and
    /// the method is idempotent (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1). What else is tried again
    /// is part of the options.
    pub fn exchange(
        self: &Arc<Self>,
        head: RequestHead,
        body: Body<'_>,
        options: &RequestOptions,
        client: &dyn Client,
    ) -> Result<Exchange, Error> {
        let mut ticket = Ticket::new(self)?;
        match dispatch::dispatch(self, head, body, options, client) {
            Ok(answer) => Ok(Exchange::new(answer, options.timeouts, ticket)),
            Err(error) => {
                ticket.fail(&error);
                Err(error)
            }
        }
    }
}

impl Exchange {
    fn new(answer: Answer, timeouts: Timeouts, ticket: Ticket) -> Self {
        let mut exchange = Exchange {
            used: answer.head.length,
            next: None,
            body: BodyDecoder::new(answer.head.framing),
            window: Vec::new(),
            received: answer.received,
            head: answer.head,
            timeouts,
            endpoint: Arc::clone(answer.lease.endpoint()),
            is_reused: answer.is_reused,
            is_recycled: false,
            open: Some(Open {
                connection: answer.connection,
                lease: answer.lease,
                is_request_whole: answer.is_request_whole,
                has_surplus: false,
            }),
            ticket,
        };
        exchange.release_if_complete();
        exchange
    }

    /// The response's head.
    pub fn head(&self) -> ResponseHead<'_> {
        ResponseHead::new(&self.head, self.received.bytes())
    }

    /// The endpoint that answers.
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// Whether the request went out on a connection that had served another before.
    pub fn is_reused(&self) -> bool {
        self.is_reused
    }

    /// Whether the connection waits for another request now.
    pub fn is_recycled(&self) -> bool {
        self.is_recycled
    }

    /// Whether something of the body has been received that was not used. It may be framing alone.
    pub fn has_received(&self) -> bool {
        self.next.is_some() || self.used < self.received.bytes().len()
    }

    /// Whether [`lend`](Self::lend) has a piece without waiting for more. Errors where what has come is
    /// malformed.
    pub fn is_ready(&mut self) -> Result<bool, Error> {
        if self.next.is_none() && self.has_received() && !self.body.is_complete() {
            self.next = Some(self.decode_received()?).filter(|piece| !piece.is_empty());
        }
        Ok(self.next.is_some() || self.body.is_complete())
    }

    /// Decodes what has come, as far as one piece of the body goes; an empty one where it is framing
    /// alone.
    fn decode_received(&mut self) -> Result<Range<usize>, Error> {
        let start = self.used;
        let decoded = match self.body.decode(self.received.behind(start)) {
            Ok(decoded) => decoded,
            Err(error) => return Err(self.fail(error.into())),
        };
        self.used += decoded.used;
        self.release_if_complete();
        Ok(start..start + decoded.data)
    }

    /// Receives what has come of the body, without waiting for more, so that [`lend`](Self::lend) has it.
    /// Errors where the connection was reset.
    pub fn receive_now(&mut self) -> Result<(), Error> {
        let (Some(open), false) = (&self.open, self.has_received()) else { return Ok(()) };
        let Some(room) = self.received.rest() else { return Ok(()) };
        match open.connection.receive_now(room) {
            // That the backend has closed is found again by whoever reads.
            Ok(count) => self.received.advance(count.unwrap_or(0)),
            Err(error) => {
                let deadline = self.timeouts.deadline(Phase::Body, Instant::now());
                return Err(self.fail(closed(error, deadline)));
            }
        }
        Ok(())
    }

    /// Whether the whole body has been read.
    pub fn is_complete(&self) -> bool {
        self.body.is_complete()
    }

    /// Reads some of the body into `buffer`, which must not be empty. Returns how many bytes were put there; 0
    /// at the end of the body. Errors where the body breaks off, is malformed, or is late;
    /// what was read before is then only a part, and no more can be read. So it does where the client has
    /// gone.
    pub fn read(&mut self, buffer: &mut [u8], client: &dyn Client) -> Result<usize, Error> {
        debug_assert!(!buffer.is_empty(), "nothing can be read into no room");
        self.read_piece(buffer, client).map_err(|error| self.fail(error))
    }

    /// Ends the exchange with an error.
    fn fail(&mut self, error: Error) -> Error {
        self.open = None;
        self.used = self.received.bytes().len();
        self.free_used();
        self.ticket.fail(&error);
        error
    }

    /// Frees the memory of what has come early and was used.
    fn free_used(&mut self) {
        self.used = self.received.discard(self.head.length, self.used);
    }

    /// Lends the next piece of the body, decoded where it was received; an empty one at its end. Errors as
    /// [`read`](Self::read). What `read` has given is not lent, and the other way round.
    pub fn lend(&mut self, client: &dyn Client) -> Result<&[u8], Error> {
        if let Some(piece) = self.next.take() {
            return Ok(&self.received.bytes()[piece]);
        }
        // What was lent last is used by now.
        self.free_used();
        let has_more = self.used < self.received.bytes().len();
        if !has_more || self.body.is_complete() {
            let mut window = std::mem::take(&mut self.window);
            if window.is_empty() && !self.body.is_complete() {
                window = buffers::PIECES.take();
            }
            window.resize(WINDOW, 0);
            let result = self.read(&mut window, client);
            self.window = window;
            return result.map(|count| &self.window[..count]);
        }
        let piece = self.decode_received()?;
        // What has come may have been framing alone.
        if piece.is_empty() {
            return self.lend(client);
        }
        Ok(&self.received.bytes()[piece])
    }

    fn read_piece(&mut self, buffer: &mut [u8], client: &dyn Client) -> Result<usize, Error> {
        let deadline = self.timeouts.deadline(Phase::Body, Instant::now());
        while !self.body.is_complete() {
            let Some(open) = &mut self.open else {
                return Err(closed(io::ErrorKind::NotConnected.into(), deadline));
            };
            let kept = &self.received.bytes()[self.used..];
            let data = if kept.is_empty() {
                let count = open.connection.receive(buffer, deadline, client)?;
                if count == 0 && !self.body.close() {
                    return Err(closed(io::ErrorKind::UnexpectedEof.into(), deadline));
                }
                let decoded = self.body.decode(&mut buffer[..count])?;
                open.has_surplus |= decoded.used < count;
                decoded.data
            } else {
                let count = kept.len().min(buffer.len());
                buffer[..count].copy_from_slice(&kept[..count]);
                let decoded = self.body.decode(&mut buffer[..count])?;
                self.used += decoded.used;
                decoded.data
            };
            self.release_if_complete();
            self.free_used();
            if data > 0 {
                return Ok(data);
            }
        }
        Ok(0)
    }

    /// Gives the connection back as soon as the body is through, however long the client takes for it.
    /// What comes behind the body belongs to no request; what of it has not come yet is looked for before
    /// the connection is used again.
    fn release_if_complete(&mut self) {
        if !self.body.is_complete() {
            return;
        }
        if let Some(open) = self.open.take() {
            if open.has_surplus || self.used < self.received.bytes().len() {
                open.lease.sent_surplus();
                self.ticket.count_surplus();
            } else if self.head.persistent && open.is_request_whole {
                self.is_recycled = open.lease.give_idle(open.connection, self.head.keep_alive);
            }
        }
        self.ticket.end();
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        buffers::RESPONSES.give(self.received.take_memory());
        buffers::PIECES.give(std::mem::take(&mut self.window));
    }
}

impl Ticket {
    /// Errors where there is no place, and counts that.
    fn new(service: &Arc<Service>) -> Result<Self, Error> {
        match service.begin() {
            Ok(()) => Ok(Ticket(Some(Arc::clone(service)))),
            Err(error) => {
                service.count(|counters| counters.count_error(&error));
                Err(error)
            }
        }
    }

    fn end(&mut self) {
        if let Some(service) = self.0.take() {
            service.end();
        }
    }

    fn count_surplus(&self) {
        if let Some(service) = &self.0 {
            service.count_surplus(1);
        }
    }

    fn fail(&mut self, error: &Error) {
        if let Some(service) = &self.0 {
            service.count(|counters| counters.count_error(error));
        }
        self.end();
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.end();
    }
}
