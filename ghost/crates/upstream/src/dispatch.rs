//! From a request to the head of its answer: which endpoint, which connection, and what is tried again.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use crate::buffers;
use crate::client::Client;
use crate::connection::{Connection, closed};
use crate::deadline::Timeouts;
use crate::dial::is_local_fault;
use crate::endpoint::{Endpoint, Lease};
use crate::error::{Error, Phase};
use crate::receive::HeadBuffer;
use crate::request::{FinishedHead, RequestHead};
use crate::response::ParsedHead;
use crate::service::{Service, Unavailable};
use crate::upload::{Body, Bounds, Upload, Uploaded, Wire};

/// A response's head with all that its body needs.
pub(crate) struct Answer {
    pub(crate) head: ParsedHead,
    pub(crate) received: HeadBuffer,
    pub(crate) connection: Connection,
    pub(crate) lease: Lease,
    pub(crate) is_reused: bool,
    pub(crate) is_request_whole: bool,
}

/// A connection to send the request on.
struct Way {
    connection: Connection,
    lease: Lease,
    is_reused: bool,
}

/// Why a connection could not be opened.
enum NotOpened {
    /// The endpoint is at fault, and another one may do better.
    Fault(Error),
    /// This side is, or there is no time left.
    NoFault(Error),
}

/// Why one attempt on one connection failed.
struct Failure {
    error: Error,
    /// Whether the backend closed the connection before it could have seen anything: no byte of an answer
    /// came, and nothing of the body was sent.
    is_stale: bool,
}

/// Sends the request and receives the head of its answer.
pub(crate) fn dispatch(
    service: &Service,
    head: RequestHead,
    mut body: Body<'_>,
    timeouts: &Timeouts,
    client: &dyn Client,
) -> Result<Answer, Error> {
    let request = head.finish(body.length());
    let mut dispatch =
        Dispatch { service, request: &request, timeouts, client, begun: Instant::now(), tried: Vec::new() };
    let result = dispatch.run(&mut body);
    buffers::give(request.bytes);
    result
}

struct Dispatch<'a> {
    service: &'a Service,
    request: &'a FinishedHead,
    timeouts: &'a Timeouts,
    client: &'a dyn Client,
    begun: Instant,
    /// Endpoints that could not be connected to.
    tried: Vec<Arc<Endpoint>>,
}

impl Dispatch<'_> {
    fn run(&mut self, body: &mut Body<'_>) -> Result<Answer, Error> {
        let way = self.way(true)?;
        let can_repeat = way.is_reused && self.request.is_idempotent;
        match self.attempt(way, body) {
            Err(failure) if failure.is_stale && can_repeat => {
                self.service.count(|counters| counters.retries.add());
                let way = self.way(false)?;
                self.attempt(way, body).map_err(|failure| failure.error)
            }
            result => result.map_err(|failure| failure.error),
        }
    }

    /// A connection to the endpoint whose turn it is, or else to the next.
    /// It may have served another request, if `may_reuse` says so.
    fn way(&mut self, may_reuse: bool) -> Result<Way, Error> {
        let mut lease = self.choose()?;
        loop {
            if may_reuse {
                let taken = lease.take_idle(Instant::now());
                self.service.count_surplus(taken.surplus);
                if let Some(connection) = taken.connection {
                    self.service.count(|counters| counters.reused.add());
                    return Ok(Way { connection, lease, is_reused: true });
                }
            }
            let error = match self.open(&lease) {
                Ok(connection) => return Ok(Way { connection, lease, is_reused: false }),
                Err(NotOpened::Fault(error)) => error,
                Err(NotOpened::NoFault(error)) => return Err(error),
            };
            self.tried.push(Arc::clone(lease.endpoint()));
            if self.tried.len() >= self.service.settings().connect_attempts {
                return Err(error);
            }
            lease = self.choose().map_err(|_| error)?;
        }
    }

    fn choose(&self) -> Result<Lease, Error> {
        self.service.choose(&self.tried, Instant::now()).map_err(|unavailable| match unavailable {
            Unavailable::NoEndpoint => Error::NoEndpoint,
            Unavailable::Saturated => Error::Saturated,
        })
    }

    fn open(&self, lease: &Lease) -> Result<Connection, NotOpened> {
        let now = Instant::now();
        let deadline = self.timeouts.deadline(Phase::Connecting, now);
        let patience = deadline.remaining(now).map_err(NotOpened::NoFault)?;
        let dial = lease.endpoint().dial();
        let source = match dial.connect(patience) {
            Ok(socket) => {
                lease.connected();
                self.service.count(|counters| counters.opened.add());
                return Ok(Connection::new(socket));
            }
            Err(source) => source,
        };
        self.service.count(|counters| counters.connect_failures.add());
        let is_late = source.kind() == io::ErrorKind::TimedOut;
        let is_fault = match is_late {
            // The exchange's own deadline may have left the endpoint no time.
            true => patience >= self.timeouts.connect,
            false => !is_local_fault(&source),
        };
        let error = match is_late {
            true => Error::Timeout(Phase::Connecting),
            false => Error::Connect { endpoint: dial.address(), source },
        };
        if !is_fault {
            return Err(NotOpened::NoFault(error));
        }
        lease.connect_failed(Instant::now());
        Err(NotOpened::Fault(error))
    }

    /// Sends the request on this connection and receives the head of its answer.
    fn attempt(&self, way: Way, body: &mut Body<'_>) -> Result<Answer, Failure> {
        let Way { mut connection, lease, is_reused } = way;
        lease.count_request();
        let max_head = self.service.settings().max_head;
        let mut received = HeadBuffer::new(buffers::take(), max_head);
        let sent = self.send_head(&connection);
        let has_sent_body = sent.is_ok() && !matches!(body, Body::Empty);
        let result = sent
            .and_then(|()| self.upload(&connection, &mut received, body))
            .and_then(|uploaded| self.receive(&mut connection, &mut received, uploaded));
        match result {
            Ok((head, is_request_whole)) => {
                lease.connected();
                Ok(Answer { head, received, connection, lease, is_reused, is_request_whole })
            }
            Err(error) => Err(Failure {
                is_stale: matches!(error, Error::Closed { .. }) && received.is_empty() && !has_sent_body,
                error,
            }),
        }
    }

    fn send_head(&self, connection: &Connection) -> Result<(), Error> {
        let deadline = self.timeouts.deadline(Phase::Sending, Instant::now());
        connection.send(&self.request.bytes, deadline, self.client)
    }

    fn upload(
        &self,
        connection: &Connection,
        received: &mut HeadBuffer,
        body: &mut Body<'_>,
    ) -> Result<Uploaded, Error> {
        let length = body.length();
        match body {
            Body::Empty => Ok(Uploaded { answer: None, is_whole: true }),
            Body::Known(_, source) | Body::Chunked(source) => {
                let wire = Wire { connection, received, is_head: self.request.is_head };
                let settings = self.service.settings();
                let bounds = Bounds { timeouts: self.timeouts, settings, begun: self.begun };
                Upload::new(wire, bounds, self.client, length).run(source)
            }
        }
    }

    /// The answer's head, and whether the request was sent to its end.
    fn receive(
        &self,
        connection: &mut Connection,
        received: &mut HeadBuffer,
        uploaded: Uploaded,
    ) -> Result<(ParsedHead, bool), Error> {
        if let Some(head) = uploaded.answer {
            return Ok((head, uploaded.is_whole));
        }
        let mut deadline = self.timeouts.deadline(Phase::FirstByte, Instant::now());
        loop {
            let count = connection.receive(received.space()?, deadline, self.client)?;
            if count == 0 {
                return Err(closed(io::ErrorKind::UnexpectedEof.into(), deadline));
            }
            received.advance(count);
            if let Some(head) = received.head(self.request.is_head)? {
                return Ok((head, uploaded.is_whole));
            }
            // An interim response says that the backend is at work, not that it has begun to answer.
            if deadline.phase == Phase::FirstByte && received.has_final_begun() {
                deadline = self.timeouts.deadline(Phase::Head, Instant::now());
            }
        }
    }
}
