//! The filters of rule and backend, applied to an answer.

use ghost_config::HeaderModifier;
use varnish::ffi::vrt_ctx;

use crate::gateway;
use crate::message::{Message, NoRoom};
use crate::task::{self, ClientTask, Outcome};

/// Lets the client's connection end with this answer while the process drains. Varnish closes an HTTP/1.1
/// connection whose answer says so. Errors where the answer has no room for it.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_deliver or vcl_synth.
pub unsafe fn close_if_draining(ctx: &vrt_ctx) -> Result<(), NoRoom> {
    if !gateway::is_draining() {
        return Ok(());
    }
    // SAFETY: as promised.
    match unsafe { Message::new(ctx.http_resp.0) } {
        Some(mut resp) => resp.set(b"Connection", b"close"),
        None => Ok(()),
    }
}

/// Applies the filters to the answer of a backend, or to one out of the cache; once for each delivery. Errors
/// where the answer has no room for what they add.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_deliver.
pub unsafe fn filter(ctx: &vrt_ctx) -> Result<(), NoRoom> {
    // SAFETY: as promised.
    let (task, resp) = unsafe { (task::get(ctx), Message::new(ctx.http_resp.0)) };
    let (Some(task), Some(mut resp)) = (task, resp) else { return Ok(()) };
    if task.delivered {
        return Ok(());
    }
    task.delivered = true;
    let (Some((snapshot, _)), Some(chosen)) = (&task.routed_by, &task.rule) else { return Ok(()) };
    let rule = snapshot.router().rule(chosen);
    apply(&mut resp, &rule.filters.response_headers)?;
    match &task.outcome {
        Outcome::Forward { backend, .. } => {
            apply(&mut resp, &rule.backends[*backend].filters.response_headers)
        }
        Outcome::None | Outcome::Own(_) => Ok(()),
    }
}

/// Applies the rule's filters to ghost's own answer. Errors as [`filter`].
pub fn filter_own(task: &ClientTask, resp: &mut Message<'_>) -> Result<(), NoRoom> {
    match (&task.routed_by, &task.rule) {
        (Some((snapshot, _)), Some(chosen)) => {
            apply(resp, &snapshot.router().rule(chosen).filters.response_headers)
        }
        _ => Ok(()),
    }
}

fn apply(resp: &mut Message<'_>, modifiers: &[HeaderModifier]) -> Result<(), NoRoom> {
    for modifier in modifiers {
        resp.retain(|name, _| !modifier.drops(name));
        // Of two that set the same field, the last one counts.
        for header in &modifier.set {
            resp.set(&header.name, &header.value)?;
        }
        for header in &modifier.add {
            resp.add(&header.name, &header.value)?;
        }
    }
    Ok(())
}
