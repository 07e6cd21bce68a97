//! The body of the request that a backend task has to send.

use std::ffi::{c_int, c_uint, c_void};
use std::{ptr, slice};

use ghost_upstream::{Body, Stopped, Upload};
use varnish::ffi;

use crate::boundary::caught;

/// Where the body comes from.
#[derive(Clone, Copy)]
enum From {
    /// The client, once.
    Client(*mut ffi::req),
    /// An object in storage that user VCL had it cached in.
    Cache(*mut ffi::objcore),
}

/// Calls `send` with the body of the task's request, which it may take up once.
///
/// # Safety
/// `bo` is the running backend task's.
pub unsafe fn with_body<T>(bo: *mut ffi::busyobj, send: impl FnOnce(Body<'_>) -> T) -> T {
    // SAFETY: as promised.
    let Some((from, length)) = (unsafe { find(&*bo) }) else {
        return send(Body::Empty);
    };
    let mut source = |upload: &mut Upload<'_>| {
        // SAFETY: as promised; the source is called within `send`, so while the task runs here.
        unsafe { upload_from(bo, from, upload) }
    };
    match length {
        Some(0) if matches!(from, From::Cache(_)) => send(Body::Empty),
        Some(length) => send(Body::Known(length, &mut source)),
        None => send(Body::Chunked(&mut source)),
    }
}

/// The body and its length, as V1F_SendReq finds them for Varnish's own backends.
unsafe fn find(bo: &ffi::busyobj) -> Option<(From, Option<u64>)> {
    // SAFETY: what a backend task points to is valid or null; the body status is a static.
    unsafe {
        if !bo.bereq_body.is_null() {
            return Some((From::Cache(bo.bereq_body), Some(ffi::ObjGetLen(bo.wrk, bo.bereq_body))));
        }
        let req = bo.req.as_ref()?;
        let status = &*req.req_body_status;
        if ptr::eq(status, ffi::BS_NONE.as_ptr()) {
            return None;
        }
        let length = u64::try_from(ffi::http_GetContentLength(req.http)).unwrap_or(0);
        Some((From::Client(bo.req), (status.length_known != 0).then_some(length)))
    }
}

/// Sends the pieces of the body as Varnish hands them out.
unsafe fn upload_from(bo: *mut ffi::busyobj, from: From, upload: &mut Upload<'_>) -> Result<(), Stopped> {
    let mut sink = Sink { upload, bytes: 0, stopped: false };
    let argument = (&raw mut sink).cast::<c_void>();
    // SAFETY: `bo` is the running task's, `from` is what it pointed to, and `piece` gets back the pointer
    // to the sink, which outlives the iteration.
    let result = unsafe {
        match from {
            From::Cache(body) => ffi::ObjIterate((*bo).wrk, body, argument, Some(piece), 0) as isize,
            From::Client(req) => {
                let vsl = (*bo).vsl.as_mut_ptr();
                let result = ffi::VRB_Iterate((*bo).wrk, vsl, req, Some(piece), argument);
                if !ptr::eq((*req).req_body_status, ffi::BS_CACHED.as_ptr()) {
                    (*bo).no_retry = c"req.body not cached".as_ptr();
                }
                if ptr::eq((*req).req_body_status, ffi::BS_ERROR.as_ptr()) {
                    // Nobody knows where the next request would begin.
                    (*req).doclose = ffi::SC_RX_BODY.as_ptr();
                }
                result
            }
        }
    };
    let Sink { bytes, stopped, .. } = sink;
    // SAFETY: as above.
    unsafe { (*bo).acct.bereq_bodybytes += bytes };
    if result != 0 || stopped {
        Err(Stopped)
    } else {
        Ok(())
    }
}

struct Sink<'a, 'b> {
    upload: &'a mut Upload<'b>,
    bytes: u64,
    stopped: bool,
}

/// Takes one piece of the body (objiterate_f). Anything but 0 ends the iteration.
unsafe extern "C" fn piece(
    argument: *mut c_void,
    _flush: c_uint,
    bytes: *const c_void,
    length: isize,
) -> c_int {
    let taken = caught(|| {
        // SAFETY: the argument is the sink that `upload_from` gave along.
        let sink = unsafe { &mut *argument.cast::<Sink<'_, '_>>() };
        let length = usize::try_from(length).unwrap_or(0);
        if bytes.is_null() || length == 0 {
            return true;
        }
        // SAFETY: Varnish lends this many bytes for the call.
        let piece = unsafe { slice::from_raw_parts(bytes.cast::<u8>(), length) };
        sink.stopped = sink.upload.write(piece).is_err();
        if !sink.stopped {
            sink.bytes += piece.len() as u64;
        }
        !sink.stopped
    });
    c_int::from(taken != Some(true))
}
