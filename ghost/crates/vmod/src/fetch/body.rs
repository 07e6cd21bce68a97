//! The body of the request that a backend task has to send.

use std::ptr;

use ghost_upstream::Body;
use varnish::ffi;

use crate::request_body::{self, Origin};

/// Calls `send` with the body of the task's request, which it may take up once.
///
/// # Safety
/// `bo` is the running backend task's.
pub unsafe fn with_body<T>(bo: *mut ffi::busyobj, send: impl FnOnce(Body<'_>) -> T) -> T {
    // SAFETY: as promised.
    let body = unsafe { find(&*bo) };
    let mut sent = 0;
    let result = request_body::with(
        body,
        // SAFETY: as promised; the body is uploaded within `send`, so while the task runs here.
        |origin, upload| unsafe {
            let vsl = (*bo).vsl.as_mut_ptr();
            let result = request_body::upload((*bo).wrk, vsl, origin, upload, &mut sent);
            forbid_retry(bo, origin);
            result
        },
        send,
    );
    // SAFETY: as above.
    unsafe { (*bo).acct.bereq_bodybytes += sent };
    result
}

/// The body and its length, as V1F_SendReq finds them for Varnish's own backends.
unsafe fn find(bo: &ffi::busyobj) -> Option<(Origin, Option<u64>)> {
    // SAFETY: what a backend task points to is valid or null.
    unsafe {
        if !bo.bereq_body.is_null() {
            let length = ffi::ObjGetLen(bo.wrk, bo.bereq_body);
            return Some((Origin::Cache(bo.bereq_body), Some(length)));
        }
        if bo.req.is_null() {
            return None;
        }
        Origin::of_client(bo.req)
    }
}

/// A body that went by cannot be sent again.
unsafe fn forbid_retry(bo: *mut ffi::busyobj, origin: Origin) {
    let Origin::Client(req) = origin else { return };
    // SAFETY: as promised by the caller of `with_body`; the body status is a static.
    unsafe {
        if !ptr::eq((*req).req_body_status, ffi::BS_CACHED.as_ptr()) {
            (*bo).no_retry = c"req.body not cached".as_ptr();
        }
    }
}
