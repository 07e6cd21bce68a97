//! The body of a request, from where Varnish has it to the upstream.

use std::ffi::{c_int, c_uint, c_void};
use std::{ptr, slice};

use ghost_upstream::{Body, Stopped, Upload};
use varnish::ffi::{self, vrt_ctx};

use crate::boundary::caught;

/// Where the body comes from.
#[derive(Clone, Copy)]
pub enum Origin {
    /// The client, once.
    Client(*mut ffi::req),
    /// An object in storage that user VCL had it cached in.
    Cache(*mut ffi::objcore),
}

impl Origin {
    /// The body that a client sends, and its length where that is known; none where there is no body.
    ///
    /// # Safety
    /// `req` is valid.
    pub unsafe fn of_client(req: *mut ffi::req) -> Option<(Self, Option<u64>)> {
        // SAFETY: as promised; the body status is a static.
        unsafe {
            let status = &*(*req).req_body_status;
            if ptr::eq(status, ffi::BS_NONE.as_ptr()) {
                return None;
            }
            let length = u64::try_from(ffi::http_GetContentLength((*req).http)).unwrap_or(0);
            Some((Self::Client(req), (status.length_known != 0).then_some(length)))
        }
    }
}

/// Whether a client's request has a body that a backend would still be sent. One that is known to be empty is none, and
/// one that was sent before a restart is not sent again.
///
/// # Safety
/// `req` is valid.
pub unsafe fn is_to_be_sent(req: *mut ffi::req) -> bool {
    // SAFETY: as promised; the body status is a static. With HTTP/2, fields need not say that there is a body.
    unsafe {
        let status = (*req).req_body_status;
        let is_gone = ptr::eq(status, ffi::BS_NONE.as_ptr()) || ptr::eq(status, ffi::BS_TAKEN.as_ptr());
        let is_empty = (*status).length_known != 0 && ffi::http_GetContentLength((*req).http) == 0;
        !is_gone && !is_empty
    }
}

/// Calls `send` with a body that `upload` gives piece by piece, once.
pub fn with<T>(
    body: Option<(Origin, Option<u64>)>,
    mut upload: impl FnMut(Origin, &mut Upload<'_>) -> Result<(), Stopped>,
    send: impl FnOnce(Body<'_>) -> T,
) -> T {
    let Some((origin, length)) = body else { return send(Body::Empty) };
    let mut source = |to: &mut Upload<'_>| upload(origin, to);
    match length {
        Some(0) if matches!(origin, Origin::Cache(_)) => send(Body::Empty),
        Some(length) => send(Body::Known(length, &mut source)),
        None => send(Body::Chunked(&mut source)),
    }
}

/// Sends the pieces of the body as Varnish hands them out. `sent` counts their bytes.
///
/// # Safety
/// `wrk` and `vsl` are those of the running task, and the origin is its own.
pub unsafe fn upload(
    wrk: *mut ffi::worker,
    vsl: *mut ffi::vsl_log,
    origin: Origin,
    upload: &mut Upload<'_>,
    sent: &mut u64,
) -> Result<(), Stopped> {
    let mut sink = Sink { upload, sent, stopped: false };
    let argument = (&raw mut sink).cast::<c_void>();
    // SAFETY: as promised; `piece` gets back the pointer to the sink, which outlives the iteration.
    let result = unsafe {
        match origin {
            Origin::Cache(body) => ffi::ObjIterate(wrk, body, argument, Some(piece), 0) as isize,
            Origin::Client(req) => {
                let result = ffi::VRB_Iterate(wrk, vsl, req, Some(piece), argument);
                if ptr::eq((*req).req_body_status, ffi::BS_ERROR.as_ptr()) {
                    // Nobody knows where the next request would begin.
                    (*req).doclose = ffi::SC_RX_BODY.as_ptr();
                }
                result
            }
        }
    };
    if result != 0 || sink.stopped {
        Err(Stopped)
    } else {
        Ok(())
    }
}

/// Reads the whole body of a client's request. Errors where it cannot be read, or has more bytes than this.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_recv, and the body was not read yet.
pub unsafe fn read(ctx: &vrt_ctx, limit: usize) -> Result<Vec<u8>, Stopped> {
    let mut body = Gathered { bytes: Vec::new(), limit };
    // SAFETY: as promised; `gather` gets back the pointer to the body, which outlives the iteration.
    let result = unsafe {
        let argument = (&raw mut body).cast::<c_void>();
        ffi::VRB_Iterate((*ctx.req).wrk, ctx.vsl, ctx.req, Some(gather), argument)
    };
    if result < 0 || body.bytes.len() > limit {
        Err(Stopped)
    } else {
        Ok(body.bytes)
    }
}

struct Gathered {
    bytes: Vec<u8>,
    limit: usize,
}

/// Keeps one piece of the body (objiterate_f). Anything but 0 ends the iteration.
unsafe extern "C" fn gather(
    argument: *mut c_void,
    _flush: c_uint,
    bytes: *const c_void,
    length: isize,
) -> c_int {
    let taken = caught(|| {
        // SAFETY: the argument is the body that `read` gave along.
        let body = unsafe { &mut *argument.cast::<Gathered>() };
        let length = usize::try_from(length).unwrap_or(0);
        if !bytes.is_null() && length > 0 {
            // SAFETY: Varnish lends this many bytes for the call.
            body.bytes.extend_from_slice(unsafe { slice::from_raw_parts(bytes.cast::<u8>(), length) });
        }
        body.bytes.len() <= body.limit
    });
    c_int::from(taken != Some(true))
}

struct Sink<'a, 'b> {
    upload: &'a mut Upload<'b>,
    sent: &'a mut u64,
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
        // SAFETY: the argument is the sink that `upload` gave along.
        let sink = unsafe { &mut *argument.cast::<Sink<'_, '_>>() };
        let length = usize::try_from(length).unwrap_or(0);
        if bytes.is_null() || length == 0 {
            return true;
        }
        // SAFETY: Varnish lends this many bytes for the call.
        let piece = unsafe { slice::from_raw_parts(bytes.cast::<u8>(), length) };
        sink.stopped = sink.upload.write(piece).is_err();
        if !sink.stopped {
            *sink.sent += piece.len() as u64;
        }
        !sink.stopped
    });
    c_int::from(taken != Some(true))
}
