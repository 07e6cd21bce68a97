//! Whether somebody still waits for what a backend task fetches.

use std::os::fd::BorrowedFd;

use ghost_upstream::{Client, ResponseHead};
use varnish::ffi;

use super::rest;
use crate::interim;
use crate::kept::PART_NAME;
use crate::message::Message;
use crate::session;
use crate::via;

/// Those for whom a backend task runs.
pub struct Waiting(*const ffi::busyobj);

impl Waiting {
    /// # Safety
    /// `bo` is the running backend task's, and outlives this.
    pub unsafe fn new(bo: *const ffi::busyobj) -> Self {
        Self(bo)
    }

    /// Whether the delivery has ended before the body: Varnish ends the fetch by itself then, as soon as it is asked. So it
    /// is where an object was killed while it was fetched, and nobody gets it any more.
    pub fn is_cancelled(&self) -> bool {
        // SAFETY: a running backend task has an object.
        self.has_flag(ffi::oc_flags_OC_F_CANCEL) || unsafe { rest::is_nobodys((*self.0).fetch_objcore) }
    }

    /// The socket of the client whose request brought the fetch about, as long as that waits for the head of an answer and
    /// has received nothing. None where nobody waits (a fetch in the background), where what is fetched is a part of a
    /// page (ESI), whose delivery has begun, and for other protocols than HTTP/1.1.
    fn silent_socket(&self) -> Option<BorrowedFd<'_>> {
        // SAFETY: the running backend task holds its session and its bereq.
        unsafe {
            let bo = &*self.0;
            let bereq = Message::new(bo.bereq)?;
            let is_heard =
                bo.is_bgfetch() == 0 && bereq.field(PART_NAME).is_none() && via::is_of_http_1_1(&bereq);
            let descriptor = (&raw const (*bo.sp).fd).read_volatile();
            // It is open: VBF_Fetch has the client's thread wait until the head has come and was decided about.
            (is_heard && descriptor >= 0).then(|| BorrowedFd::borrow_raw(descriptor))
        }
    }

    fn has_flag(&self, flag: ffi::oc_flags) -> bool {
        // SAFETY: a running backend task has an object. Its flags are one byte, which the client's thread may
        // change meanwhile: it is read as a whole, and anew each time.
        let flags = unsafe { (&raw const (*(*self.0).fetch_objcore).flags).read_volatile() };
        u32::from(flags) & flag != 0
    }
}

impl Client for Waiting {
    /// Only the object of a pass has one client for sure: others may wait for what is fetched into the cache.
    fn is_gone(&self) -> bool {
        self.is_cancelled()
            || (self.has_flag(ffi::oc_flags_OC_F_PRIVATE)
                // SAFETY: a running backend task holds its session.
                && unsafe { session::has_hung_up((*self.0).sp) })
    }

    fn interim(&self, head: &ResponseHead<'_>) {
        if let Some(socket) = self.silent_socket() {
            interim::forward(socket, head);
        }
    }
}
