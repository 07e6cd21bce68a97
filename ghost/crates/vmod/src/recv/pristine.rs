//! The request that rollbacks, ESI and a failed VCL go back to (`http0`): what the client sent, without what it
//! must not say, and with what the gateway says instead.
//!
//! It is made once for each request and for all that is included into its answer, before any other VCL runs.
//! That it was begun is told by one line whose address no client can forge, and that it was made by the fields that
//! follow it. Of one that has no room for them, nothing is left that a client says of where it came from, and it
//! gets no other try.

use std::ffi::CStr;

use varnish::ffi::vrt_ctx;

use super::{absolute, forward, host, is_own};
use crate::message::{Message, NoRoom};
use crate::snapshot::Snapshot;

/// Removes what the client says under names of the gateway's own.
pub fn clean(pristine: &mut Message<'_>, listener: &'static CStr) {
    if !pristine.has_static(listener) {
        pristine.retain_quietly(|line| !is_own(line));
    }
}

/// Makes the request to go back to of one that is clean, unless that was done. `listener` is the line that names the listener.
///
/// # Safety
/// `ctx` is the running client task's, and `pristine` its `http0`.
pub unsafe fn make(
    ctx: &vrt_ctx,
    pristine: &mut Message<'_>,
    snapshot: &Snapshot,
    socket: &[u8],
    listener: &'static CStr,
) -> Result<(), NoRoom> {
    if pristine.has_static(listener) {
        return if forward::is_whole(pristine) { Ok(()) } else { Err(NoRoom::Fields) };
    }
    // SAFETY: as promised.
    let made = pristine.quietly(|pristine| unsafe { write(ctx, pristine, snapshot, socket, listener) });
    // What could not be written whole is referred to as well.
    // SAFETY: as promised.
    unsafe { keep(ctx) };
    made
}

unsafe fn write(
    ctx: &vrt_ctx,
    pristine: &mut Message<'_>,
    snapshot: &Snapshot,
    socket: &[u8],
    listener: &'static CStr,
) -> Result<(), NoRoom> {
    let made = absolute::to_origin(pristine);
    // SAFETY: as promised.
    let (completed, peer) = unsafe { (host::complete(ctx, pristine), forward::peer(ctx)) };
    forward::forward(pristine, snapshot, socket, peer, |pristine| {
        pristine.add_static(listener)?;
        made.and(completed)
    })
}

/// Keeps what was allocated so far over a rollback (`Req_Rollback`), which frees what lies above `ws_req`.
unsafe fn keep(ctx: &vrt_ctx) {
    // SAFETY: as promised by the caller of `make`. The front of the workspace is what WS_Snapshot gives for one
    // that has not overflowed; a rollback ends the overflow before it goes back there.
    unsafe { (*ctx.req).ws_req = (*(*ctx.req).ws.as_ptr()).f as usize };
}
