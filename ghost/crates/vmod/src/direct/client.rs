//! Whether the client of a direct pass still waits.

use std::os::fd::BorrowedFd;

use ghost_upstream::Client;
use varnish::ffi;

use crate::session;

/// The client of a request.
pub struct Waiting(*const ffi::req);

impl Waiting {
    /// # Safety
    /// `req` is the running client task's, and outlives this.
    pub unsafe fn new(req: *const ffi::req) -> Self {
        Self(req)
    }

    /// Its socket; none once that is closed.
    pub fn socket(&self) -> Option<BorrowedFd<'_>> {
        // SAFETY: a running client task holds its session, whose socket nobody closes meanwhile.
        unsafe {
            let descriptor = (*(*self.0).sp).fd;
            (descriptor >= 0).then(|| BorrowedFd::borrow_raw(descriptor))
        }
    }
}

impl Client for Waiting {
    fn is_gone(&self) -> bool {
        // SAFETY: a running client task holds its session.
        unsafe { session::has_hung_up((*self.0).sp) }
    }
}
