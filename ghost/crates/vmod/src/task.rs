//! What ghost remembers of a client's request, from vcl_recv to its end.

use std::ffi::c_void;
use std::sync::Arc;

use ghost_route::Chosen;
use varnish::ffi::{self, vrt_ctx, VCL_BACKEND};

use crate::directors::Table;
use crate::own::Own;
use crate::snapshot::Snapshot;

/// The state of a client task. Varnish drops it at the task's end, and when user VCL rolls the request back.
#[derive(Default)]
pub struct ClientTask {
    /// What the request was routed by. Holding it keeps the directors of it alive.
    pub routed_by: Option<(Arc<Snapshot>, Arc<Table>)>,
    /// The rule that the request fits.
    pub rule: Option<Chosen>,
    /// Whether X-Forwarded-* say what they should.
    pub forwarded: bool,
    /// What becomes of the request.
    pub outcome: Outcome,
    /// Whether VCL was told in vcl_recv that ghost answers by itself.
    pub told: bool,
    /// Whether the synthetic answer that is being made is ghost's own.
    pub answering: bool,
    /// Whether the filters were applied to the answer.
    pub delivered: bool,
}

/// What becomes of a request.
#[derive(Default)]
pub enum Outcome {
    /// It has not been routed, or is no request to route.
    #[default]
    None,
    /// It goes to a backend.
    Forward {
        /// Index of the backend in the rule.
        backend: usize,
        /// The director, alive as long as the task's table.
        director: VCL_BACKEND,
    },
    /// ghost answers by itself.
    Own(Own),
}

/// The address of this is ghost's identity among those who keep state in a task. It is the same for every
/// loaded VCL.
static IDENTITY: u8 = 0;

struct Methods(ffi::vmod_priv_methods);

// SAFETY: its pointers lead to statics.
unsafe impl Sync for Methods {}

static METHODS: Methods = Methods(ffi::vmod_priv_methods {
    magic: ffi::VMOD_PRIV_METHODS_MAGIC,
    type_: c"ghost client task".as_ptr(),
    fini: Some(drop_task),
});

/// The state of the running client task, if it has any.
///
/// # Safety
/// `ctx` is the running client task's, and what was got before is not used any more.
pub unsafe fn get<'a>(ctx: &vrt_ctx) -> Option<&'a mut ClientTask> {
    // SAFETY: as promised; only `get_or_new` sets what is found under this identity.
    unsafe {
        let private = ffi::VRT_priv_task_get(ctx, identity()).as_mut()?;
        private.priv_.cast::<ClientTask>().as_mut()
    }
}

/// The state of the running client task; a new one where it has none.
///
/// # Safety
/// As for [`get`].
pub unsafe fn get_or_new<'a>(ctx: &vrt_ctx) -> &'a mut ClientTask {
    // SAFETY: as promised; VRT_priv_task never returns null.
    unsafe {
        let private = &mut *ffi::VRT_priv_task(ctx, identity());
        if private.priv_.is_null() {
            private.priv_ = Box::into_raw(Box::<ClientTask>::default()).cast();
            private.methods = &raw const METHODS.0;
        }
        &mut *private.priv_.cast::<ClientTask>()
    }
}

fn identity() -> *const c_void {
    (&raw const IDENTITY).cast()
}

/// Drops the state at the end of its task (vmod_priv_fini_f).
unsafe extern "C" fn drop_task(_ctx: *const vrt_ctx, task: *mut c_void) {
    // SAFETY: Varnish gives back, once, what `get_or_new` made.
    let task = unsafe { Box::from_raw(task.cast::<ClientTask>()) };
    // Where this panics there is nobody left to be told, and the hook has logged it.
    let _ = crate::boundary::caught(|| drop(task));
}
