//! A request body that is gone: after a restart, Varnish would send the request without it.

use std::ptr;

use varnish::ffi::{self, vrt_ctx};

use super::outcome::local_reply;
use crate::counters::{count, counters};
use crate::message::Message;
use crate::task::{ClientTask, Outcome};
use crate::task_state;

/// Refuses a request to a backend whose body was sent to one before and not cached (std.cache_req_body). One
/// that user VCL has made a GET or HEAD needs none.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_recv.
pub unsafe fn refuse_if_gone(ctx: &vrt_ctx) {
    // SAFETY: as promised; the body's status is a static.
    unsafe {
        let Some(task) = task_state::get::<ClientTask>(ctx) else { return };
        let is_taken = ptr::eq((*ctx.req).req_body_status, ffi::BS_TAKEN.as_ptr());
        if !is_taken || !matches!(task.outcome, Outcome::Forward { .. }) {
            return;
        }
        let method = Message::new(ctx.http_req.0).map(|req| req.method());
        if !matches!(method, Some(b"GET" | b"HEAD")) {
            task.rule = task.rule().cloned();
            task.outcome =
                local_reply(ctx, 503, "req.body was consumed before the restart, and was not cached");
            count(&counters().unavailable);
        }
    }
}
