//! Whether somebody still waits for what a backend task fetches.

use ghost_upstream::Client;
use varnish::ffi;

use crate::session;

/// Those for whom a backend task runs.
pub struct Waiting(*const ffi::busyobj);

impl Waiting {
    /// # Safety
    /// `bo` is the running backend task's, and outlives this.
    pub unsafe fn new(bo: *const ffi::busyobj) -> Self {
        Self(bo)
    }

    /// Whether the delivery has ended before the body: Varnish ends the fetch by itself then, as soon as it is asked.
    pub fn is_cancelled(&self) -> bool {
        self.has_flag(ffi::oc_flags_OC_F_CANCEL)
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
}
