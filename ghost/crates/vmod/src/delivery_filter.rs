//! A delivery filter of ghost's, of which each VCL is told.

use std::ffi::CStr;
use std::ptr;

use varnish::ffi::{self, vrt_ctx};

/// A filter that lives as long as the VMOD.
pub struct DeliveryFilter(ffi::vdp);

// SAFETY: its pointers lead to statics and functions, and nobody writes to it.
unsafe impl Sync for DeliveryFilter {}

impl DeliveryFilter {
    /// A filter with this name in `resp.filters`.
    pub const fn new(
        name: &'static CStr,
        init: ffi::vdp_init_f,
        bytes: ffi::vdp_bytes_f,
        fini: ffi::vdp_fini_f,
    ) -> Self {
        Self(ffi::vdp { name: name.as_ptr(), init, bytes, fini, priv1: ptr::null() })
    }

    /// Tells a VCL of the filter. Returns false where Varnish refuses it.
    ///
    /// # Safety
    /// `ctx` is that of a VCL that is being loaded. The filter's functions are sound where Varnish calls them.
    pub unsafe fn register(&'static self, ctx: &vrt_ctx) -> bool {
        // SAFETY: as promised; the filter is static.
        unsafe { ffi::VRT_AddFilter(ctx, ptr::null(), &raw const self.0).is_null() }
    }

    /// Takes it back.
    ///
    /// # Safety
    /// `ctx` is that of a VCL that is being discarded, and has been told of the filter.
    pub unsafe fn unregister(&'static self, ctx: &vrt_ctx) {
        // SAFETY: as promised.
        unsafe { ffi::VRT_RemoveFilter(ctx, ptr::null(), &raw const self.0) };
    }
}
