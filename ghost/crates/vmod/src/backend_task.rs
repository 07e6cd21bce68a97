//! What ghost remembers of a fetch, from its director to vcl_backend_error.

use std::ffi::c_void;

use crate::local_reply::LocalReply;
use crate::task_state::{drop_state, Methods, TaskState};

/// The state of a backend task.
#[derive(Default)]
pub struct BackendTask {
    /// The local reply, where a backend was picked that no request goes to.
    pub local_reply: Option<LocalReply>,
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
