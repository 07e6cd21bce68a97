//! The rest of a large body, moved from the backend's socket to the client's without a copy.
//!
//! It goes around V1B, which writes the bodies of HTTP/1.1, and so does for it what V1B would: it keeps send_timeout,
//! and counts what was written.

use std::ffi::c_int;
use std::os::fd::BorrowedFd;
use std::ptr;
use std::time::{Duration, Instant};

use ghost_upstream::{NotMoved, Spliced};
use varnish::ffi::{self, vrt_ctx, VdpAction, VslTag};

use super::client::Waiting;
use super::delivery::broken_off;
use crate::log;

/// When the client must have taken the whole answer (sess.send_timeout); none where that is never.
///
/// # Safety
/// `ctx` is the running client task's.
pub unsafe fn deadline(ctx: &vrt_ctx) -> Option<Instant> {
    // SAFETY: as promised.
    let seconds = unsafe { VRT_r_sess_send_timeout(ctx) };
    Instant::now().checked_add(Duration::try_from_secs_f64(seconds.max(0.0)).ok()?)
}

/// The client's socket, where what comes next is the part of HTTP/1.1 that writes to it.
///
/// # Safety
/// `context` is that of a filter's `bytes`, and `waiting` is its client.
pub unsafe fn socket<'a>(context: *const ffi::vdp_ctx, waiting: &'a Waiting) -> Option<BorrowedFd<'a>> {
    // SAFETY: as promised: in `bytes`, `nxt` is the entry behind the filter's, and the transport ends the list. The
    // symbol is a constant.
    let is_http1 = unsafe { ptr::eq((*(*context).nxt).vdp, VDP_v1l) };
    is_http1.then(|| waiting.socket()).flatten()
}

/// Moves the body. Returns what `bytes` does.
///
/// # Safety
/// As for [`socket`], which gave `to`; what was handed on before has been written.
pub unsafe fn run(
    mut spliced: Spliced<'_>,
    to: BorrowedFd<'_>,
    until: Option<Instant>,
    waiting: &Waiting,
    context: *mut ffi::vdp_ctx,
) -> c_int {
    // SAFETY: as promised.
    unsafe {
        let written = (*context).nxt;
        loop {
            match spliced.forward(to, until, waiting) {
                Ok(0) => return ffi::VDP_bytes(context, VdpAction::End, ptr::null(), 0),
                Ok(count) => {
                    (*written).calls += 1;
                    (*written).bytes_in += count as u64;
                }
                Err(NotMoved::Body(error)) => return broken_off(context, &error),
                Err(error @ NotMoved::Client(_)) => {
                    log::formatted((*context).vsl, VslTag::Debug, format_args!("Write error: {error}"));
                    return -1;
                }
            }
        }
    }
}

extern "C" {
    // What `sess.send_timeout` reads in VCL; exported by varnishd, but in no header that varnish-sys binds.
    fn VRT_r_sess_send_timeout(ctx: *const vrt_ctx) -> f64;
    // V1B, in the same case.
    static VDP_v1l: *const ffi::vdp;
}
