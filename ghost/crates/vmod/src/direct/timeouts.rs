//! How long the parts of an exchange may take where no user VCL has a say.

use std::sync::OnceLock;

use ghost_upstream::Timeouts;
use varnish::ffi;

use crate::fetch;

/// What varnishd's parameters say now: connect_timeout, first_byte_timeout and between_bytes_timeout.
pub fn parameters() -> Timeouts {
    let mut ctx = ffi::vrt_ctx { magic: ffi::VRT_CTX_MAGIC, ..ffi::vrt_ctx::default() };
    ctx.bo = std::ptr::from_ref(unset()).cast_mut();
    // SAFETY: what reads the timeouts looks at the magic numbers and the timeouts alone, and changes nothing.
    unsafe { fetch::timeouts(&ctx) }
}

/// A backend task in which no timeout is set.
fn unset() -> &'static ffi::busyobj {
    struct Unset(ffi::busyobj);
    // SAFETY: nothing that its pointers lead to is looked at: all of them are null.
    unsafe impl Send for Unset {}
    // SAFETY: as above.
    unsafe impl Sync for Unset {}
    static UNSET: OnceLock<Unset> = OnceLock::new();
    let unset = UNSET.get_or_init(|| {
        let mut task = ffi::busyobj { magic: ffi::BUSYOBJ_MAGIC, ..ffi::busyobj::default() };
        task.connect_timeout = ffi::vtim_dur(f64::NAN);
        task.first_byte_timeout = ffi::vtim_dur(f64::NAN);
        task.between_bytes_timeout = ffi::vtim_dur(f64::NAN);
        Unset(task)
    });
    &unset.0
}
