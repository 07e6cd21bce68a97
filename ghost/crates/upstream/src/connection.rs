//! One connection to a backend: a blocking socket whose every wait keeps a deadline.

use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, recv, sendmsg};

use crate::deadline::{Deadline, socket_timeout};
use crate::error::Error;

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: OwnedFd,
    /// The socket's own timeout for receiving; zero as long as it has none.
    timeout: Duration,
}

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

    /// Whether nothing has come since the last answer. A connection that is not quiet was closed by the
    /// backend, or holds bytes that nobody asked for; either way it cannot be used.
    pub(crate) fn is_quiet(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        matches!(recv(&self.socket, &mut [0u8; 1], flags), Err(Errno::WOULDBLOCK))
    }

    /// Receives into `buffer`, waiting for the deadline at most; 0 where the backend has closed.
    pub(crate) fn receive(&mut self, buffer: &mut [u8], deadline: Deadline) -> Result<usize, Error> {
        loop {
            let remaining = deadline.remaining(Instant::now())?;
            if let Some(timeout) = socket_timeout(self.timeout, remaining) {
                self.set_timeout(timeout).map_err(|error| closed(error.into(), deadline))?;
            }
            match recv(&self.socket, &mut *buffer, RecvFlags::empty()) {
                Ok((count, _)) => return Ok(count),
                // The socket's timeout has passed; the deadline knows whether that is all.
                Err(Errno::WOULDBLOCK | Errno::INTR) => {}
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

    /// Sends all of `bytes`, waiting for the deadline at most.
    pub(crate) fn send(&self, mut bytes: &[u8], deadline: Deadline) -> Result<(), Error> {
        while !bytes.is_empty() {
            let sent = self.send_now(&[IoSlice::new(bytes)]);
            match sent.map_err(|error| closed(error, deadline))? {
                Some(count) => bytes = &bytes[count..],
                None => drop(self.wait(PollFlags::OUT, deadline)?),
            }
        }
        Ok(())
    }

    /// Waits until the socket can be written to, or read from as well.
    pub(crate) fn wait_to_send(&self, or_receive: bool, deadline: Deadline) -> Result<Ready, Error> {
        let interest = match or_receive {
            true => PollFlags::OUT | PollFlags::IN,
            false => PollFlags::OUT,
        };
        self.wait(interest, deadline)
    }

    fn wait(&self, interest: PollFlags, deadline: Deadline) -> Result<Ready, Error> {
        loop {
            let remaining = deadline.remaining(Instant::now())?;
            let timeout = Timespec::try_from(remaining).ok();
            let mut sockets = [PollFd::new(&self.socket, interest)];
            match poll(&mut sockets, timeout.as_ref()) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(ready(sockets[0].revents())),
                Err(error) => return Err(closed(error.into(), deadline)),
            }
        }
    }
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
