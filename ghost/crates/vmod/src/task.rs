//! What ghost remembers of a client's request, from vcl_recv to its end.

use std::ffi::c_void;
use std::sync::Arc;

use varnish::ffi::{vrt_ctx, VCL_BACKEND};

use crate::cache::lookup::CacheTask;
use crate::cache::statistics;
use crate::direct::Passed;
use crate::directors::RuleDirectors;
use crate::local_reply::LocalReply;
use crate::rule_handle::RuleHandle;
use crate::task_state::{drop_state, Methods, TaskState};

/// The state of a client task. Varnish drops it at the task's end, and when user VCL rolls the request back.
#[derive(Default)]
pub struct ClientTask {
    /// The rule that the request fits, where its director does not know it.
    pub rule: Option<Arc<RuleHandle>>,
    /// Whether X-Forwarded-* say what they should.
    pub forwarded: bool,
    /// What becomes of the request.
    pub outcome: Outcome,
    /// Whether VCL was told in vcl_recv that ghost answers by itself.
    pub announced: bool,
    /// Whether VCL was told in vcl_recv that the answer of a backend comes directly.
    pub direct: bool,
    /// The direct answer whose body is to be delivered. Where nothing delivers it, it is dropped with this
    /// state, and its connection is closed.
    pub passed: Option<Box<Passed>>,
    /// Whether the synthetic answer that is being made is ghost's own.
    pub answering: bool,
    /// Whether the filters were applied to the answer.
    pub delivered: bool,
    /// What the cache remembers of it.
    pub cache: CacheTask,
}

impl ClientTask {
    /// The rule that the request fits.
    pub fn rule(&self) -> Option<&Arc<RuleHandle>> {
        match &self.outcome {
            Outcome::Forward { directors, .. } => Some(directors.rule()),
            Outcome::None | Outcome::LocalReply(_) => self.rule.as_ref(),
        }
    }
}

/// What becomes of a request.
#[derive(Default)]
pub enum Outcome {
    /// It has not been routed, or is no request to route.
    #[default]
    None,
    /// It goes to a backend of the rule.
    Forward {
        /// The rule's director.
        director: VCL_BACKEND,
        /// What the director lives as long as.
        directors: Arc<RuleDirectors>,
    },
    /// ghost answers by itself.
    LocalReply(LocalReply),
}

impl TaskState for ClientTask {
    fn identity() -> *const c_void {
        // Its address is ghost's identity among those who keep state in a task, the same for every loaded VCL.
        static IDENTITY: u8 = 0;
        (&raw const IDENTITY).cast()
    }

    fn methods() -> &'static Methods {
        static METHODS: Methods = Methods::new(c"ghost client task", drop_state::<ClientTask>);
        &METHODS
    }

    unsafe fn leave(&mut self, ctx: &vrt_ctx) {
        // SAFETY: as promised.
        unsafe {
            self.cache.filter.remove(ctx);
            statistics::count_request(ctx, self);
        }
    }
}
