//! What ghost remembers of a fetch, from its director to vcl_backend_error.

use std::ffi::c_void;

use crate::own::Own;
use crate::task_state::{drop_state, Methods, TaskState};

/// The state of a backend task.
#[derive(Default)]
pub struct BackendTask {
    /// The answer of ghost's own, where a backend was drawn that no request goes to.
    pub own: Option<Own>,
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
