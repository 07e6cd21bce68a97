//! The socket of varnishd that a request came in by.

use std::ffi::CStr;

use varnish::ffi::{vrt_ctx, VCL_STRING};

/// Its name, which lives as long as the process; empty where it has none.
///
/// # Safety
/// `ctx` is the running task's.
pub unsafe fn name<'a>(ctx: &vrt_ctx) -> &'a [u8] {
    // SAFETY: as promised; what is not null is a C string.
    unsafe {
        match VRT_r_local_socket(ctx) {
            VCL_STRING(name) if name.is_null() => b"",
            VCL_STRING(name) => CStr::from_ptr(name).to_bytes(),
        }
    }
}

extern "C" {
    // What `local.socket` reads in VCL; exported by varnishd, but in no header that varnish-sys binds.
    fn VRT_r_local_socket(ctx: *const vrt_ctx) -> VCL_STRING;
}
