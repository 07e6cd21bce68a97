//! What ghost writes into Varnish's log.

use std::ffi::CStr;
use std::fmt::{self, Write};

use varnish::ffi::{self, VslTag};

use crate::scratch;

/// Writes a line into a task's log; into the one without a transaction where there is no task.
///
/// # Safety
/// `vsl` is null or the log of the running task.
pub unsafe fn line(vsl: *mut ffi::vsl_log, tag: VslTag, text: &str) {
    if vsl.is_null() {
        global(tag, text);
        return;
    }
    let range = text.as_bytes().as_ptr_range();
    // SAFETY: the log is valid as promised, and Varnish copies the text.
    unsafe { ffi::VSLbt(vsl, tag, ffi::txt { b: range.start.cast(), e: range.end.cast() }) };
}

/// As [`line`], of what is formatted; no memory is allocated for it.
///
/// # Safety
/// As for [`line`].
pub unsafe fn formatted(vsl: *mut ffi::vsl_log, tag: VslTag, text: fmt::Arguments<'_>) {
    scratch::with(|buffers| {
        buffers.text.clear();
        // Writing to a String cannot fail.
        let _ = buffers.text.write_fmt(text);
        // SAFETY: as promised.
        unsafe { line(vsl, tag, &buffers.text) };
    });
}

/// Writes a line that belongs to no transaction.
pub fn global(tag: VslTag, text: &str) {
    let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
    // SAFETY: the format takes a length and that many bytes; Varnish copies them.
    unsafe { ffi::VSL(tag, ffi::vxids::default(), c"%.*s".as_ptr(), length, text.as_ptr()) };
}

/// Writes a timestamp into a backend task's log.
///
/// # Safety
/// `bo` is the running task's.
pub unsafe fn timestamp(bo: &mut ffi::busyobj, event: &CStr) {
    // SAFETY: as promised; VTIM_real only reads the clock.
    unsafe {
        let now = ffi::vtim_real(VTIM_real());
        ffi::VSLb_ts(bo.vsl.as_mut_ptr(), event.as_ptr(), bo.t_first, &raw mut bo.t_prev, now);
    }
}

extern "C" {
    /// Seconds since the epoch; exported by varnishd, but in no header that varnish-sys binds.
    fn VTIM_real() -> f64;
}
