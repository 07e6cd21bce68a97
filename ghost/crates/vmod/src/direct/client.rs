//! Whether the client of a direct pass still waits.

use std::os::fd::BorrowedFd;

use ghost_upstream::Client;
use rustix::event::{poll, PollFd, PollFlags, Timespec};
use varnish::ffi;

/// The client of a request.
pub struct Waiting(*const ffi::req);

impl Waiting {
    /// # Safety
    /// `req` is the running client task's, and outlives this.
    pub unsafe fn new(req: *const ffi::req) -> Self {
        Self(req)
    }
}

impl Client for Waiting {
    /// Whether the client's connection was closed, or half of it: the two cannot be told apart.
    fn is_gone(&self) -> bool {
        // SAFETY: a running client task holds its session, whose descriptor is open or negative.
        let descriptor = unsafe { (*(*self.0).sp).fd };
        if descriptor < 0 {
            return true;
        }
        // SAFETY: as above.
        let socket = unsafe { BorrowedFd::borrow_raw(descriptor) };
        let mut sockets = [PollFd::new(&socket, PollFlags::RDHUP)];
        matches!(poll(&mut sockets, Some(&Timespec::default())), Ok(1..))
    }
}
