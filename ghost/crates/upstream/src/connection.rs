//! One connection to a backend: a blocking socket whose every wait keeps a deadline.

use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, recv, sendmsg};

use crate::client::Client;
use crate::deadline::{Deadline, socket_timeout};
use crate::error::Error;
use crate::pipe::Pipe;

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: OwnedFd,
    /// The socket's own timeout for receiving; zero as long as it has none.
    timeout: Duration,
}

/// What a look at an idle connection shows. Only a quiet one can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idle {
    Quiet,
    /// The backend has closed it, or is about to.
    Closed,
    /// Bytes that no request asked for.
    Surplus,
}

/// A backend may say 408 before it closes an idle connection (RFC 9110 section 15.5.9).
const IDLE_TIMEOUT: [&[u8; 12]; 2] = [b"HTTP/1.1 408", b"HTTP/1.0 408"];

/// What a socket is ready for. An error on it shows as both.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

impl Connection {
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Connection { socket, timeout: Duration::ZERO }
    }

    /// What has come since the last answer, without taking it.
    pub(crate) fn look(&self) -> Idle {
        let mut start = [0; IDLE_TIMEOUT[0].len()];
        match recv(&self.socket, &mut start, RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Err(Errno::WOULDBLOCK) => Idle::Quiet,
            Err(_) | Ok((0, _)) => Idle::Closed,
            Ok(_) if IDLE_TIMEOUT.contains(&&start) => Idle::Closed,
            Ok(_) => Idle::Surplus,
        }
    }

    /// Receives into `buffer`, waiting for the deadline at most and only as long as the client does; 0
    /// where the backend has closed.
    pub(crate) fn receive(
        &mut self,
        buffer: &mut [u8],
        deadline: Deadline,
        client: &dyn Client,
    ) -> Result<usize, Error> {
        self.wait_for(deadline, client, |socket| {
            recv(socket, &mut *buffer, RecvFlags::empty()).map(|(count, _)| count)
        })
    }

    /// Receives at most `limit` bytes into an empty pipe, as [`receive`](Self::receive) does into a buffer.
    pub(crate) fn receive_into(
        &mut self,
        pipe: &mut Pipe,
        limit: usize,
        deadline: Deadline,
        client: &dyn Client,
    ) -> Result<usize, Error> {
        self.wait_for(deadline, client, |socket| pipe.fill(socket, limit))
    }

    /// Calls what receives and waits, until it has received.
    fn wait_for(
        &mut self,
        deadline: Deadline,
        client: &dyn Client,
        mut receive: impl FnMut(&OwnedFd) -> Result<usize, Errno>,
    ) -> Result<usize, Error> {
        loop {
            let wait = deadline.wait(Instant::now())?;
            if let Some(timeout) = socket_timeout(self.timeout, wait) {
                self.set_timeout(timeout).map_err(|error| closed(error.into(), deadline))?;
            }
            match receive(&self.socket) {
                Ok(count) => return Ok(count),
                // The socket's timeout has passed; the deadline knows whether that is all.
                Err(Errno::WOULDBLOCK | Errno::INTR) => still_waits(client)?,
                Err(error) => return Err(closed(error.into(), deadline)),
            }
        }
    }

    fn set_timeout(&mut self, timeout: Duration) -> Result<(), Errno> {
        // The kernel takes zero, to which less than a microsecond is cut, for no timeout at all.
        let timeout = timeout.max(Duration::from_micros(1));
        set_socket_timeout(&self.socket, Timeout::Recv, Some(timeout))?;
        self.timeout = timeout;
        Ok(())
    }

    /// Receives what is there already; none where nothing is.
    pub(crate) fn receive_now(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            match recv(&self.socket, &mut *buffer, RecvFlags::DONTWAIT) {
                Ok((count, _)) => return Ok(Some(count)),
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sends what fits now; none where nothing does.
    pub(crate) fn send_now(&self, slices: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        loop {
            match sendmsg(&self.socket, slices, &mut SendAncillaryBuffer::default(), flags) {
                Ok(count) => return Ok(Some(count)),
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sends all of `bytes`, waiting as [`receive`](Self::receive) does.
    pub(crate) fn send(
        &self,
        mut bytes: &[u8],
        deadline: Deadline,
        client: &dyn Client,
    ) -> Result<(), Error> {
        while !bytes.is_empty() {
            let sent = self.send_now(&[IoSlice::new(bytes)]);
            match sent.map_err(|error| closed(error, deadline))? {
                Some(count) => bytes = &bytes[count..],
                None => drop(self.wait(PollFlags::OUT, deadline, client)?),
            }
        }
        Ok(())
    }

    /// Waits until the socket can be written to, or read from as well.
    pub(crate) fn wait_to_send(
        &self,
        or_receive: bool,
        deadline: Deadline,
        client: &dyn Client,
    ) -> Result<Ready, Error> {
        let interest = match or_receive {
            true => PollFlags::OUT | PollFlags::IN,
            false => PollFlags::OUT,
        };
        self.wait(interest, deadline, client)
    }

    fn wait(&self, interest: PollFlags, deadline: Deadline, client: &dyn Client) -> Result<Ready, Error> {
        loop {
            let timeout = Timespec::try_from(deadline.wait(Instant::now())?).ok();
            let mut sockets = [PollFd::new(&self.socket, interest)];
            match poll(&mut sockets, timeout.as_ref()) {
                Ok(0) | Err(Errno::INTR) => still_waits(client)?,
                Ok(_) => return Ok(ready(sockets[0].revents())),
                Err(error) => return Err(closed(error.into(), deadline)),
            }
        }
    }
}

fn still_waits(client: &dyn Client) -> Result<(), Error> {
    if client.is_gone() { Err(Error::ClientGone) } else { Ok(()) }
}

fn ready(events: PollFlags) -> Ready {
    let failed = events.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL);
    Ready {
        readable: failed || events.contains(PollFlags::IN),
        writable: failed || events.contains(PollFlags::OUT),
    }
}

pub(crate) fn closed(source: io::Error, deadline: Deadline) -> Error {
    Error::Closed { phase: deadline.phase, source }
}
