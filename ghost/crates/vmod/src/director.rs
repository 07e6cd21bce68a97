//! The callbacks of a ghost director (`struct vdi_methods`).

use std::ffi::c_int;
use std::sync::Arc;

use varnish::ffi::{self, vrt_ctx, VCL_BACKEND, VCL_BOOL, VCL_TIME};

use crate::boundary::caught;
use crate::door;
use crate::forward;
use crate::listing;
use crate::registered::{private, release, Methods};
use crate::rule_handle::RuleHandle;
use crate::target::Target;

/// The methods of every ghost director.
pub static METHODS: Methods = Methods(ffi::vdi_methods {
    magic: ffi::VDI_METHODS_MAGIC,
    type_: c"ghost".as_ptr(),
    http1pipe: Some(door::http1pipe),
    healthy: Some(healthy),
    resolve: None,
    gethdrs: Some(gethdrs),
    getip: Some(door::getip),
    finish: Some(door::finish),
    event: None,
    release: None,
    destroy: Some(destroy),
    panic: Some(panic),
    list: Some(list),
});

/// Whether this is a director of ghost's that requests can go by.
///
/// # Safety
/// `director` is null or a director that the caller holds.
pub unsafe fn is_ghost(director: *const ffi::director) -> bool {
    // SAFETY: as promised; a director's vdir and methods live as long as it does.
    unsafe {
        director.as_ref().is_some_and(|director| std::ptr::eq((*director.vdir).methods, &raw const METHODS.0))
    }
}

/// The rule of a director, if it is one of ghost's.
///
/// # Safety
/// As for [`is_ghost`].
pub unsafe fn rule(director: *const ffi::director) -> Option<Arc<RuleHandle>> {
    // SAFETY: as promised; one of ghost's stands for a target.
    unsafe { is_ghost(director).then(|| Arc::clone(target(VCL_BACKEND(director)).rule())) }
}

/// What a ghost director stands for.
///
/// # Safety
/// `director` is a ghost director that the caller holds.
pub unsafe fn target<'a>(director: VCL_BACKEND) -> &'a Target {
    // SAFETY: Varnish calls a ghost director's methods with that director, which stands for a target.
    unsafe { private::<Target>(director) }
}

/// Draws a backend, sends the request and receives the head of the answer.
unsafe extern "C" fn gethdrs(ctx: *const vrt_ctx, director: VCL_BACKEND) -> c_int {
    // SAFETY: Varnish's arguments are the running backend task's, and valid for the call.
    unsafe { door::gethdrs(ctx, || forward::fetch(&*ctx, director, target(director))) }
}

/// Whether requests may go to a service of the rule.
unsafe extern "C" fn healthy(ctx: *const vrt_ctx, director: VCL_BACKEND, changed: *mut VCL_TIME) -> VCL_BOOL {
    // SAFETY: as for gethdrs; `changed` is null or Varnish's to be set.
    unsafe { door::healthy(director, changed, || target(director).is_healthy(&*ctx)) }
}

/// Shows the services in backend.list.
unsafe extern "C" fn list(
    ctx: *const vrt_ctx,
    director: VCL_BACKEND,
    vsb: *mut ffi::vsb,
    details: c_int,
    json: c_int,
) {
    // SAFETY: as for gethdrs; the VSB is Varnish's, open for writing.
    unsafe {
        listing::print(vsb, details != 0, json != 0, || {
            let target = target(director);
            (target.services(), target.is_healthy(&*ctx))
        });
    }
}

/// Tells Varnish's panic message whom this is about.
unsafe extern "C" fn panic(director: VCL_BACKEND, vsb: *mut ffi::vsb) {
    let text = caught(|| {
        // SAFETY: as for gethdrs.
        format!("rule = {},\n", unsafe { target(director) }.rule().rule().id)
    });
    let text = text.unwrap_or_default();
    // SAFETY: as for `list`.
    unsafe { ffi::VSB_bcat(vsb, text.as_ptr().cast(), text.len() as isize) };
}

/// Gives up what the director stands for, when nobody refers to it any more.
unsafe extern "C" fn destroy(director: VCL_BACKEND) {
    // SAFETY: Varnish calls this once, with a ghost director.
    let target = unsafe { release::<Target>(director) };
    let _ = caught(|| drop(target));
}
