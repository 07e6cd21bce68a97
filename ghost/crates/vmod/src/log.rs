//! What ghost writes into Varnish's log.

use std::ffi::CStr;

use varnish::ffi::{self, VslTag};

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

/// Writes a line of a name and what it stands for into a task's log, without making a string of it.
///
/// # Safety
/// As for [`line`].
pub unsafe fn named(vsl: *mut ffi::vsl_log, tag: VslTag, name: &CStr, value: &[u8]) {
    if vsl.is_null() {
        return;
    }
    let length = i32::try_from(value.len()).unwrap_or(i32::MAX);
    // SAFETY: the log is valid as promised; the format takes a C string, a length and that many bytes, all of
    // which Varnish copies.
    unsafe { ffi::VSLb(vsl, tag, c"%s: %.*s".as_ptr(), name.as_ptr(), length, value.as_ptr()) };
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
