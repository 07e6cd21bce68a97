//! Whether a 304 speaks of the stored response that the backend was asked about.
//!
//! Varnish gives the fields of every 304 to its stale object, and calls what it has stored by a name
//! of something else. A 304 with another validator must not change it (RFC 9111 section 4.3.4): the
//! backend is asked once more then, without conditions.

use ghost_cache::conditional::confirms;
use ghost_cache::policy::FreshnessPolicy;
use ghost_cache::response::ResponseFields;
use ghost_route::Headers;
use ghost_upstream::ResponseHead;
use varnish::ffi::{self, vrt_ctx};

use super::failure::Failure;
use crate::backend_task::BackendTask;
use crate::cache::object::Object;
use crate::cache::{now, whole};
use crate::message::{Line, Message};
use crate::task_state;

/// By what Varnish asks about what it has stored.
const CONDITIONS: [&[u8]; 2] = [b"If-None-Match", b"If-Modified-Since"];

/// Whether the answer is a 304 that Varnish would take for the stale object's, and that speaks of
/// another response.
///
/// # Safety
/// `bo` is the running backend task's.
pub unsafe fn is_of_another(bo: &ffi::busyobj, head: ResponseHead<'_>) -> bool {
    if head.status() != 304 {
        return false;
    }
    // SAFETY: as promised; the task holds the stale object, whose head is stored.
    let stale = unsafe {
        let Some(stale) = Object::new(bo.wrk, bo.stale_oc) else { return false };
        // Varnish refuses a 304 by itself where there is nothing to ask by.
        if ffi::ObjCheckFlag(bo.wrk, bo.stale_oc, ffi::obj_flags_OF_IMSCAND) == 0 {
            return false;
        }
        stale
    };
    // No policy says anything of validators.
    let (policy, now) = (FreshnessPolicy::default(), whole(now()));
    let head = Fields(head);
    let answer = ResponseFields::read(&policy, 304, &head, now);
    let stored = ResponseFields::read(&policy, stale.status(), &stale, now);
    !confirms(&answer, &stored)
}

/// The fields of a head that count beyond this hop.
struct Fields<'h>(ResponseHead<'h>);

impl Headers for Fields<'_> {
    fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.end_to_end_fields()
    }
}

/// Takes its conditions from the task's request, so that it is sent for the whole. Errors where it
/// has none, and where its body went by.
///
/// # Safety
/// `ctx` is the running backend task's, in `gethdrs` of its director.
pub unsafe fn forget(ctx: &vrt_ctx) -> Result<(), Failure> {
    let is_condition = |line: Line<'_>| CONDITIONS.iter().any(|name| line.is(name));
    // SAFETY: as promised.
    unsafe {
        let mut bereq = Message::new((*ctx.bo).bereq).ok_or(Failure::Internal("no bereq"))?;
        if !bereq.lines().any(is_condition) || !(*ctx.bo).no_retry.is_null() {
            return Err(Failure::NotModified);
        }
        bereq.retain(|line| !is_condition(line));
        // How old the answer is counts from its own request (RFC 9111 section 4.2.3).
        if let Some(task) = task_state::get::<BackendTask>(ctx) {
            task.requested = Some(now());
        }
    }
    Ok(())
}
