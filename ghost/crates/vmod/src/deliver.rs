//! What is done to an answer on its way to the client.

mod conditions;
pub mod first_look;
mod passed;
mod ranges;
mod whole;

use varnish::ffi::{self, vrt_ctx};

pub use whole::FILTER;

use crate::cache;
use crate::gateway;
use crate::message::{Message, NoRoom};
use crate::task::ClientTask;
use crate::task_state;
use crate::via;

/// The field in which an object carries the response filters of the backendRef that it came from,
/// as JSON. It stands in the object and in no answer.
pub const CARRIED: &[u8] = b"X-Gateway-Filters";

/// The field in which Varnish tells the number of a transaction.
pub const TRANSACTION: &[u8] = b"X-Varnish";

/// Lets the client's connection end with this answer while the process drains. Varnish closes an
/// HTTP/1.1 connection whose answer says so. Errors where the answer has no room for it.
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

/// Removes what only the operator of the gateway should see, unless the configuration says so: the
/// number of the transaction in Varnish's log.
///
/// # Safety
/// As for [`close_if_draining`].
pub unsafe fn hide_transaction(ctx: &vrt_ctx) {
    if gateway::shows_transactions() {
        return;
    }
    // SAFETY: as promised.
    if let Some(mut resp) = unsafe { Message::new(ctx.http_resp.0) } {
        resp.remove(TRANSACTION);
    }
}

/// Whether this is the answer to a client's request that was passed. That of a part of a page (ESI)
/// is put together with others by Varnish.
///
/// # Safety
/// `req` is the running client task's, with an object.
unsafe fn is_pass(req: &ffi::req) -> bool {
    // SAFETY: as promised; the flags are one byte, which the fetch may change meanwhile.
    let flags = unsafe { (&raw const (*req.objcore).flags).read_volatile() };
    req.esi_level == 0 && u32::from(flags) & ffi::oc_flags_OC_F_PRIVATE != 0
}

/// Keeps Varnish from treating the answer of a pass as one out of the cache, and from ending one
/// that breaks off as if it were whole; once for each delivery. Errors where the answer has no room
/// for what was kept from Varnish.
///
/// # Safety
/// As for [`filter`].
pub unsafe fn keep_faithful(ctx: &vrt_ctx) -> Result<(), NoRoom> {
    // SAFETY: as promised; references to the request and to the task end with their statement.
    unsafe {
        if task_state::get::<ClientTask>(ctx).is_some_and(|task| task.delivered) {
            return Ok(());
        }
        whole::name(&mut *ctx.req);
        if is_pass(&*ctx.req) {
            passed::keep_conditions(&*ctx.req)?;
            if let Some(mut resp) = Message::new(ctx.http_resp.0) {
                passed::restore(&mut resp);
            }
        } else if let Some(resp) = Message::new(ctx.http_resp.0) {
            ranges::simplify(&*ctx.req, &resp)?;
        }
    }
    Ok(())
}

/// Applies the plan to the answer of a backend, or to one out of the cache; once for each delivery.
/// Errors where the answer has no room for what it adds.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_deliver.
pub unsafe fn filter(ctx: &vrt_ctx) -> Result<(), NoRoom> {
    // SAFETY: as promised.
    let (task, resp) = unsafe { (task_state::get::<ClientTask>(ctx), Message::new(ctx.http_resp.0)) };
    let Some(mut resp) = resp else { return Ok(()) };
    let carried = resp.field(CARRIED);
    if carried.is_some() {
        resp.retain_quietly(|line| !line.is(CARRIED));
    }
    via::answer(&mut resp)?;
    let Some(task) = task else { return Ok(()) };
    if task.delivered {
        return Ok(());
    }
    task.delivered = true;
    task.cache.is_delivering = true;
    // SAFETY: as promised.
    unsafe { cache::deliver::write(ctx, task, &mut resp)? };
    task.rule().map_or(Ok(()), |rule| rule.plan(carried).apply(&mut resp))?;
    // SAFETY: as promised.
    unsafe { conditions::simplify(&*ctx.req, &mut resp) }
}

/// Applies the plan to a local reply. Errors as [`filter`].
pub fn filter_own(task: &ClientTask, resp: &mut Message<'_>) -> Result<(), NoRoom> {
    task.rule().map_or(Ok(()), |rule| rule.plan(None).apply(resp))
}
