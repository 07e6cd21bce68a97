//! State that Varnish keeps for a task, and drops at its end or when user VCL rolls it back.

use std::ffi::{c_void, CStr};

use varnish::ffi::{self, vrt_ctx};

use crate::boundary::caught;

/// A kind of state of which a task has one at most.
pub trait TaskState: Default {
    /// An address that nothing else has.
    fn identity() -> *const c_void;

    /// The methods of this kind, with [`drop_state`] of it.
    fn methods() -> &'static Methods;

    /// Is called before it is dropped, so that nothing of the task refers to it any more.
    ///
    /// # Safety
    /// `ctx` is the task's.
    unsafe fn leave(&mut self, _ctx: &vrt_ctx) {}
}

/// How Varnish ends state, to be shared between threads.
pub struct Methods(ffi::vmod_priv_methods);

// SAFETY: its pointers lead to statics.
unsafe impl Sync for Methods {}

impl Methods {
    /// Methods of a kind of this name.
    pub const fn new(name: &'static CStr, fini: unsafe extern "C" fn(*const vrt_ctx, *mut c_void)) -> Self {
        Self(ffi::vmod_priv_methods {
            magic: ffi::VMOD_PRIV_METHODS_MAGIC,
            type_: name.as_ptr(),
            fini: Some(fini),
        })
    }
}

/// The state of the running task, if it has any.
///
/// # Safety
/// `ctx` is the running task's, and what was got before is not used any more.
pub unsafe fn get<'a, T: TaskState>(ctx: &vrt_ctx) -> Option<&'a mut T> {
    // SAFETY: as promised; only `get_or_new` sets what is found under this identity.
    unsafe {
        let private = ffi::VRT_priv_task_get(ctx, T::identity()).as_mut()?;
        private.priv_.cast::<T>().as_mut()
    }
}

/// The state of the running task; a new one where it has none.
///
/// # Safety
/// As for [`get`].
pub unsafe fn get_or_new<'a, T: TaskState>(ctx: &vrt_ctx) -> &'a mut T {
    // SAFETY: as promised; VRT_priv_task never returns null.
    unsafe {
        let private = &mut *ffi::VRT_priv_task(ctx, T::identity());
        if private.priv_.is_null() {
            private.priv_ = Box::into_raw(Box::<T>::default()).cast();
            private.methods = &raw const T::methods().0;
        }
        &mut *private.priv_.cast::<T>()
    }
}

/// Drops state (vmod_priv_fini_f).
///
/// # Safety
/// Varnish gives back, once, what [`get_or_new`] made.
pub unsafe extern "C" fn drop_state<T: TaskState>(ctx: *const vrt_ctx, state: *mut c_void) {
    // SAFETY: as promised.
    let mut state = unsafe { Box::from_raw(state.cast::<T>()) };
    // SAFETY: Varnish gives the task's context.
    let _ = caught(|| unsafe { state.leave(&*ctx) });
    // Where this panics there is nobody left to be told, and the hook has logged it.
    let _ = caught(|| drop(state));
}
