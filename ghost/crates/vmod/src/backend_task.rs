//! What ghost remembers of a fetch, from its director to vcl_backend_error.

use std::ffi::c_void;

use ghost_cache::storability::Pass;
use ghost_invalidation::Generation;

use crate::local_reply::LocalReply;
use crate::task_state::{drop_state, Methods, TaskState};

/// The state of a backend task.
#[derive(Default)]
pub struct BackendTask {
    /// The local reply, where a backend was picked that no request goes to.
    pub local_reply: Option<LocalReply>,
    /// When the request was sent, in seconds since the epoch.
    pub requested: Option<f64>,
    /// How many invalidations there had been when the fetch began.
    pub generation: Generation,
    /// Fields that are not stored with the answer.
    pub withheld: Vec<Box<[u8]>>,
    /// Why the answer is not stored.
    pub not_stored: Option<Pass>,
}

impl TaskState for BackendTask {
    fn identity() -> *const c_void {
        static IDENTITY: u8 = 0;
        (&raw const IDENTITY).cast()
    }

    fn methods() -> &'static Methods {
        static METHODS: Methods = Methods::new(c"ghost backend task", drop_state::<BackendTask>);
        &METHODS
    }
}
