//! A director that Varnish knows.

use std::ffi::CStr;
use std::ptr;
use std::sync::Arc;

use varnish::ffi::{self, vrt_ctx, VCL_BACKEND};

/// The methods of a kind of director, to be shared between threads.
pub struct Methods(pub ffi::vdi_methods);

// SAFETY: its pointers lead to statics.
unsafe impl Sync for Methods {}

/// A reference to a director. Varnish counts them, so that a director that was given to a request outlives this
/// one for as long as that request, or a fetch in the background, holds it.
pub struct Registered(VCL_BACKEND);

// SAFETY: Varnish guards what the pointer leads to with its own locks.
unsafe impl Send for Registered {}
// SAFETY: as above.
unsafe impl Sync for Registered {}

impl Registered {
    /// Tells Varnish of a director of this name, which stands for `private`; none where its VCL cools.
    ///
    /// # Safety
    /// `ctx` belongs to a task or an initialisation of a VCL, which exists as long as what is returned. `methods` expect a
    /// `T`, and their `destroy` is [`release`] of a `T`.
    pub unsafe fn new<T>(
        ctx: &vrt_ctx,
        methods: &'static Methods,
        private: Arc<T>,
        name: &CStr,
    ) -> Option<Self> {
        let private = Arc::into_raw(private);
        // SAFETY: the VCL is warm or warms, as promised; Varnish copies the name, and gives what is private
        // back to
        // `destroy` when the last reference to the director goes.
        let director = unsafe {
            let private = private.cast_mut().cast();
            ffi::VRT_AddDirector(ctx, &raw const methods.0, private, c"%s".as_ptr(), name.as_ptr())
        };
        if director.0.is_null() {
            // SAFETY: Varnish has not kept it.
            drop(unsafe { Arc::from_raw(private) });
            return None;
        }
        Some(Self(director))
    }

    /// The director, for as long as this reference or another one to it lives.
    pub fn director(&self) -> VCL_BACKEND {
        self.0
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // SAFETY: this is the reference that VRT_AddDirector gave; its VCL exists, as promised to `new`. Where user
        // VCL holds another one, the director is sick from now on.
        unsafe {
            ffi::VRT_DisableDirector(self.0);
            ffi::VRT_DelDirector(&raw mut self.0);
        }
    }
}

/// Whether requests may go by a director: as the administrator says, else as it says itself.
///
/// # Safety
/// `ctx` is valid, and the caller holds the director.
pub unsafe fn is_healthy(ctx: &vrt_ctx, director: VCL_BACKEND) -> bool {
    // SAFETY: as promised.
    unsafe { ffi::VRT_Healthy(ctx, director, ptr::null_mut()) }.0 != 0
}

/// What a director stands for.
///
/// # Safety
/// `director` is one that [`Registered::new`] was given a `T` for, and lives.
pub unsafe fn private<'a, T>(director: VCL_BACKEND) -> &'a T {
    // SAFETY: as promised; the director owns it.
    unsafe { &*(*director.0).priv_.cast::<T>() }
}

/// Takes back what a director stood for.
///
/// # Safety
/// As for [`private`], and once, when Varnish destroys the director.
pub unsafe fn release<T>(director: VCL_BACKEND) -> Arc<T> {
    // SAFETY: as promised, this is the pointer that Arc::into_raw made for VRT_AddDirector.
    unsafe { Arc::from_raw((*director.0).priv_.cast::<T>().cast_const()) }
}
