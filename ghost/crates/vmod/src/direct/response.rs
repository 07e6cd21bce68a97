//! The head of a backend's answer, as the answer to the client.

use ghost_upstream::Exchange;
use varnish::ffi::{self, vrt_ctx};

use super::delivery;
use crate::cache;
use crate::deliver::TRANSACTION;
use crate::fetch::{fields, put_status, reason};
use crate::message::{Message, NoRoom};
use crate::target::Target;
use crate::task::ClientTask;
use crate::via;

const DATE: &[u8] = b"Date";

/// Keeps of what Varnish says its number of the transaction, the date unless the backend has one, and that the
/// connection ends.
///
/// Varnish lets it end where the client still waits for a 100 (req.late_100cont). If the exchange has taken the body
/// since, the client has got its 100, and the connection goes on.
fn keep_own(resp: &mut Message<'_>, has_date: bool, waits_for_100: bool) {
    resp.retain_quietly(|line| {
        line.is(TRANSACTION) || (waits_for_100 && line.is(b"Connection")) || (!has_date && line.is(DATE))
    });
}

/// Makes it an answer of this status without any field of a backend's.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_synth.
pub unsafe fn clear(ctx: &vrt_ctx, status: u16) {
    // SAFETY: as promised; protocol and reason are static.
    let resp = unsafe {
        ffi::http_PutResponse((*ctx.req).resp, c"HTTP/1.1".as_ptr(), status, reason(status).as_ptr());
        Message::new((*ctx.req).resp)
    };
    if let Some(mut resp) = resp {
        // SAFETY: as promised.
        keep_own(&mut resp, false, unsafe { (*ctx.req).want100cont() } != 0);
    }
}

/// Makes the head of the backend's answer the client's, with what the rule does to it, and names the filter that
/// delivers the body. Errors where it does not fit.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_synth, and `task` its state.
pub unsafe fn write(
    ctx: &vrt_ctx,
    task: &ClientTask,
    target: &Target,
    exchange: &Exchange,
    carried: Option<&str>,
) -> Result<(), NoRoom> {
    let head = exchange.head();
    let req = ctx.req;
    // SAFETY: as promised.
    let mut resp = unsafe {
        put_status((*req).resp, c"HTTP/1.1", &head)?;
        let Some(resp) = Message::new((*req).resp) else { return Ok(()) };
        resp
    };
    // SAFETY: as promised.
    keep_own(&mut resp, head.has_date(), unsafe { (*req).want100cont() } != 0);
    resp.add_all(fields(&head))?;
    via::passed(&mut resp)?;
    // SAFETY: as promised.
    unsafe { cache::deliver::write(ctx, task, &mut resp)? };
    target.rule().plan(carried.map(str::as_bytes)).apply(&mut resp)?;
    // SAFETY: as promised.
    unsafe { name_filter(ctx) };
    Ok(())
}

/// Names the filter that delivers the body, and gives Varnish a byte in its place: it calls no filter for a body without
/// one.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_synth.
pub unsafe fn name_filter(ctx: &vrt_ctx) {
    // SAFETY: as promised; in vcl_synth, `specific` is the body's VSB, and the name is static.
    unsafe {
        (*ctx.req).vdp_filter_list = delivery::NAME.as_ptr();
        ffi::VSB_putc(ctx.specific.cast(), 0);
    }
}
