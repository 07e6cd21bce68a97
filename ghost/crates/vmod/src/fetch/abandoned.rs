//! Fetches whose delivery was given up.
//!
//! Such a fetch ends, and has not failed: a failure would spoil the hit-for-miss that it leaves
//! (Varnish ends one in this way where it notices by itself). ghost's filter says so at the bottom of
//! the stack, but filters above it may make a failure of it, as Varnish's `gzip` does. A second one at
//! the top takes that back.

use std::ffi::c_void;
use std::ptr;

use varnish::ffi::{self, VfpStatus};

use crate::boundary::caught;

struct Filter(ffi::vfp);

// SAFETY: its pointers lead to functions.
unsafe impl Sync for Filter {}

/// The filter at the top.
static TOP: Filter = Filter(ffi::vfp {
    name: c"ghost_end".as_ptr(),
    init: None,
    pull: Some(pull),
    fini: None,
    priv1: ptr::null(),
});

/// What is above ghost's filter in a stack.
pub struct Above {
    /// Whether that ends because the delivery was given up.
    is_abandoned: bool,
    is_watched: bool,
}

impl Above {
    /// Nothing that matters.
    pub const fn nothing() -> Self {
        Self { is_abandoned: false, is_watched: false }
    }

    /// Watches the filters above, where there are some. Returns false where there is no room.
    ///
    /// # Safety
    /// `context` is that of a fetch whose filters begin, and `entry` the one of ghost's, at the bottom. `self` is at
    /// this place until they end.
    pub unsafe fn watch(&mut self, context: *mut ffi::vfp_ctx, entry: *const ffi::vfp_entry) -> bool {
        // SAFETY: as promised. What is pushed in an `init` is begun behind it.
        unsafe {
            if ptr::eq((*context).vfp.vtqh_first, entry) {
                return true;
            }
            let Some(top) = ffi::VFP_Push(context, &raw const TOP.0).as_mut() else { return false };
            top.priv1 = ptr::from_mut(self).cast();
        }
        self.is_watched = true;
        true
    }

    /// Ends a fetch whose delivery was given up; the result of `pull`.
    ///
    /// # Safety
    /// `context` is that of the fetch, in the `pull` of ghost's filter.
    pub unsafe fn abandon(&mut self, context: *mut ffi::vfp_ctx) -> VfpStatus {
        if self.is_watched {
            self.is_abandoned = true;
            // What the filters above say of it is not logged then.
            // SAFETY: as promised.
            unsafe { (*context).failed = 1 };
        }
        VfpStatus::Error
    }
}

/// Lets the filters below work (vfp_pull_f).
unsafe extern "C" fn pull(
    context: *mut ffi::vfp_ctx,
    entry: *mut ffi::vfp_entry,
    buffer: *mut c_void,
    length: *mut isize,
) -> VfpStatus {
    let status = caught(|| {
        // SAFETY: Varnish's own arguments, which it lends to the next filter as well; `watch` has put itself
        // there.
        unsafe {
            let status = ffi::VFP_Suck(context, buffer, length);
            if matches!(status, VfpStatus::Error) && (*(*entry).priv1.cast::<Above>()).is_abandoned {
                (*context).failed = 0;
            }
            status
        }
    });
    status.unwrap_or(VfpStatus::Error)
}
