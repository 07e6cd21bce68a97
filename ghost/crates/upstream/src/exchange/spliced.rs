//! A body on its way from the backend's socket to the client's, without a copy in this process.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::Exchange;
use crate::client::Client;
use crate::connection::closed;
use crate::deadline::Deadline;
use crate::error::{Error, Phase};
use crate::pipe::{CAPACITY, Pipe};

/// So many bytes of a body must be to come, that it is moved: a copy of less costs less than a pipe.
pub const SPLICED_FROM: u64 = 32 * 1024;

/// A body that is moved and not read. It holds one pipe's bytes at most: a client that does not take them holds
/// up the backend.
#[derive(Debug)]
pub struct Spliced<'e> {
    exchange: &'e mut Exchange,
    pipe: Pipe,
}

/// Why a body was not moved to its end.
#[derive(Debug, thiserror::Error)]
pub enum NotMoved {
    /// It did not come to its end.
    #[error(transparent)]
    Body(#[from] Error),
    /// The client did not take it.
    #[error("the client does not take it: {0}")]
    Client(io::Error),
}

impl Exchange {
    /// The rest of the body, to be moved from socket to socket: where its length is known and large enough, all
    /// that has been received was read or lent, and there is a pipe.
    pub fn splice(&mut self) -> Option<Spliced<'_>> {
        let is_worthwhile = self.open.is_some() && self.body.left()? >= SPLICED_FROM;
        if !is_worthwhile || self.has_received() {
            return None;
        }
        Some(Spliced { pipe: Pipe::take()?, exchange: self })
    }
}

impl Spliced<'_> {
    /// Moves the next piece to the client's socket, which is blocking. Returns how many bytes it had; 0 at the
    /// end of the body. `until` is when the client must have taken it.
    ///
    /// # Errors
    /// As [`Exchange::read`], or where the client has closed or is late. No more can be moved then.
    pub fn forward(
        &mut self,
        to: BorrowedFd<'_>,
        until: Option<Instant>,
        client: &dyn Client,
    ) -> Result<usize, NotMoved> {
        let count = match self.fill(client) {
            Ok(count) => count,
            Err(error) => return Err(self.exchange.fail(error).into()),
        };
        while self.pipe.buffered() > 0 {
            match self.pipe.drain(to) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait(to, until)?,
                Err(error) => return Err(NotMoved::Client(error)),
            }
        }
        Ok(count)
    }

    fn fill(&mut self, client: &dyn Client) -> Result<usize, Error> {
        let exchange = &mut *self.exchange;
        let left = exchange.body.left().unwrap_or(0);
        if left == 0 {
            return Ok(0);
        }
        let deadline = exchange.timeouts.deadline(Phase::Body, Instant::now());
        let Some(open) = &mut exchange.open else {
            return Err(closed(io::ErrorKind::NotConnected.into(), deadline));
        };
        let limit = usize::try_from(left).unwrap_or(CAPACITY);
        let count = open.connection.receive_into(&mut self.pipe, limit, deadline, client)?;
        if count == 0 {
            return Err(closed(io::ErrorKind::UnexpectedEof.into(), deadline));
        }
        exchange.body.pass_over(count);
        exchange.release_if_complete();
        Ok(count)
    }
}

/// Waits until the socket takes more. Its own timeout has passed, so that the client is slow.
fn wait(to: BorrowedFd<'_>, until: Option<Instant>) -> Result<(), NotMoved> {
    let deadline = Deadline::at(until, Phase::Body);
    let wait = deadline.wait(Instant::now());
    let wait = wait.map_err(|_| NotMoved::Client(io::ErrorKind::TimedOut.into()))?;
    match poll(&mut [PollFd::new(&to, PollFlags::OUT)], Timespec::try_from(wait).ok().as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(NotMoved::Client(error.into())),
    }
}
