//! Whether the client of a direct pass still waits.

use std::os::fd::BorrowedFd;

use ghost_upstream::{Client, ResponseHead};
use varnish::ffi;

use crate::interim;
use crate::message::Message;
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

    /// It goes to a client of HTTP/1.1: this thread alone writes to the socket. User VCL can change what the request says
    /// of its version, and not what http0 does.
    fn interim(&self, head: &ResponseHead<'_>) {
        // SAFETY: a running client task holds its request, whose header nobody changes during an exchange.
        let is_http_1_1 = unsafe { Message::new((*self.0).http0) }.is_some_and(|req| req.version() == 11);
        if let Some(socket) = self.socket().filter(|_| is_http_1_1) {
            interim::forward(socket, head);
        }
    }
}
