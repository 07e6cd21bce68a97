//! From a request to the head of its answer: which endpoint, which connection, and what is tried again.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::buffers;
use crate::client::Client;
use crate::connection::{Connection, closed};
use crate::deadline::{Deadline, Timeouts};
use crate::dial::is_local_fault;
use crate::endpoint::{Endpoint, Lease};
use crate::error::{Error, Phase};
use crate::exchange::RequestOptions;
use crate::receive::HeadBuffer;
use crate::replay::Replay;
use crate::request::{FinishedHead, RequestHead};
use crate::response::ParsedHead;
use crate::retry::{Outcome, Retry};
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
struct Acquired {
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
    /// Whether a reused connection was closed without a byte of an answer.
    is_stale: bool,
}

/// Sends the request and receives the head of its answer.
pub(crate) fn dispatch(
    service: &Service,
    head: RequestHead,
    body: Body<'_>,
    options: &RequestOptions,
    client: &dyn Client,
) -> Result<Answer, Error> {
    let request = head.finish(body.length());
    let mut dispatch = Dispatch {
        service,
        request: &request,
        body: Replay::new(body),
        timeouts: &options.timeouts,
        retry: &options.retry,
        client,
        begun: Instant::now(),
        tried: Vec::new(),
    };
    let result = dispatch.run();
    buffers::REQUESTS.give(request.bytes);
    result
}

struct Dispatch<'a, 'b> {
    service: &'a Service,
    request: &'a FinishedHead,
    body: Replay<'b>,
    timeouts: &'a Timeouts,
    retry: &'a Retry,
    client: &'a dyn Client,
    begun: Instant,
    /// Endpoints that could not be connected to.
    tried: Vec<Arc<Endpoint>>,
}

impl Dispatch<'_, '_> {
    /// Attempts until there is an answer to take, or nothing to try again.
    fn run(&mut self) -> Result<Answer, Error> {
        let (mut may_reuse, mut made) = (true, 0);
        loop {
            let acquired = self.acquire(may_reuse)?;
            let result = self.attempt(acquired);
            let outcome = match &result {
                Ok(answer) => Outcome::Answer(answer.head.status),
                Err(failure) if failure.is_stale => Outcome::Stale,
                Err(failure) => Outcome::of(&failure.error),
            };
            let can_repeat = self.request.is_idempotent && self.body.can_be_sent();
            let Some(again) = self.retry.again(outcome, made).filter(|_| can_repeat) else {
                return result.map_err(|failure| failure.error);
            };
            drop(result);
            self.service.count(|counters| counters.retries.add());
            self.pause(again.wait)?;
            may_reuse = again.may_reuse;
            made += u32::from(outcome != Outcome::Stale);
        }
    }

    /// Waits as long as the client does.
    fn pause(&self, time: Duration) -> Result<(), Error> {
        let now = Instant::now();
        let deadline = Deadline::within(time, Phase::Connecting, now).no_later_than(self.timeouts.whole);
        while let Ok(wait) = deadline.wait(Instant::now()) {
            std::thread::sleep(wait);
            if self.client.is_gone() {
                return Err(Error::ClientGone);
            }
        }
        Ok(())
    }

    /// A connection to the endpoint whose turn it is, or else to the next.
    /// It may have served another request, if `may_reuse` says so.
    fn acquire(&mut self, may_reuse: bool) -> Result<Acquired, Error> {
        let mut lease = self.choose()?;
        loop {
            if may_reuse {
                let taken = lease.take_idle(Instant::now());
                self.service.count_surplus(taken.surplus);
                if let Some(connection) = taken.connection {
                    self.service.count(|counters| counters.reused.add());
                    return Ok(Acquired { connection, lease, is_reused: true });
                }
            }
            if !lease.may_open() {
                return Err(Error::HeldDown);
            }
            let error = match self.open(&mut lease) {
                Ok(connection) => return Ok(Acquired { connection, lease, is_reused: false }),
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
            Unavailable::HeldDown => Error::HeldDown,
        })
    }

    fn open(&self, lease: &mut Lease) -> Result<Connection, NotOpened> {
        let now = Instant::now();
        let deadline = self.timeouts.deadline(Phase::Connecting, now);
        let patience = deadline.remaining(now).map_err(NotOpened::NoFault)?;
        let dial = lease.endpoint().dial().clone();
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
    fn attempt(&mut self, acquired: Acquired) -> Result<Answer, Failure> {
        let Acquired { mut connection, lease, is_reused } = acquired;
        lease.count_request();
        let mut received = HeadBuffer::new(buffers::RESPONSES.take(), self.service.settings().max_head);
        let sent = self.send_head(&connection);
        let result = sent
            .and_then(|()| self.upload(&connection, &mut received, is_reused))
            .and_then(|uploaded| self.receive(&mut connection, &mut received, uploaded));
        match result {
            // What holds an endpoint down is cleared by a connection that opens, not by one that was open.
            Ok((head, is_request_whole)) => {
                Ok(Answer { head, received, connection, lease, is_reused, is_request_whole })
            }
            Err(error) => Err(Failure {
                is_stale: is_reused && matches!(error, Error::Closed { .. }) && received.is_empty(),
                error,
            }),
        }
    }

    fn send_head(&self, connection: &Connection) -> Result<(), Error> {
        let whole = self.begun.checked_add(self.service.settings().request_timeout);
        let deadline = self.timeouts.deadline(Phase::Sending, Instant::now()).no_later_than(whole);
        connection.send(&self.request.bytes, deadline, self.client)
    }

    /// Sends the body, and keeps it where it may have to be sent again.
    fn upload(
        &mut self,
        connection: &Connection,
        received: &mut HeadBuffer,
        is_reused: bool,
    ) -> Result<Uploaded, Error> {
        let settings = self.service.settings();
        let may_repeat = self.request.is_idempotent && (is_reused || self.retry.attempts > 0);
        let keep = if may_repeat { settings.max_replay } else { 0 };
        let wire = Wire { connection, received, is_head: self.request.is_head };
        let bounds = Bounds { timeouts: self.timeouts, settings, begun: self.begun };
        let length = self.body.length();
        self.body.send(Upload::new(wire, bounds, self.client, length), keep)
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
            if let Some(head) = received.head(self.request.is_head, self.client)? {
                return Ok((head, uploaded.is_whole));
            }
            // An interim response says that the backend is at work, not that it has begun to answer.
            if deadline.phase == Phase::FirstByte && received.has_final_begun() {
                deadline = self.timeouts.deadline(Phase::Head, Instant::now());
            }
        }
    }
}
