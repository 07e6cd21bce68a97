//! What Varnish would do to a passed answer as to an object, and does not.
//!
//! A backend has seen the client's own request, so what it answers is the answer (RFC 9110 section
//! 7.7). In a fetch Varnish compares a range with what was asked for, tests what is compressed, and
//! drops Content-Encoding where there is no body and Age always. What it acts on is therefore kept
//! from it under another name, up to the delivery ([`crate::deliver`]).
//!
//! Parts of a page (ESI) are no answers to a client: Varnish puts them together, and treats them as
//! it always does. So do fetches that may go into the cache: there Varnish has made the request its
//! own.

use std::ffi::CStr;
use std::ptr;

use ghost_upstream::{Framing, ResponseHead};
use varnish::ffi::{self, VfpStatus};

use crate::deliver::TRANSACTION;
use crate::kept::{self, PART_NAME};
use crate::message::{Message, NoRoom};

/// Whether this fetch passes on what a client asks for.
///
/// # Safety
/// `bo` is the running backend task's.
pub unsafe fn is_pass(bo: &ffi::busyobj) -> bool {
    // SAFETY: as promised; the flags are one byte, which is read as a whole.
    unsafe {
        let flags = (&raw const (*bo.fetch_objcore).flags).read_volatile();
        u32::from(flags) & ffi::oc_flags_OC_F_PRIVATE != 0
            && Message::new(bo.bereq).is_some_and(|bereq| bereq.field(PART_NAME).is_none())
    }
}

/// Where a field of an answer is put.
pub enum Treatment {
    /// Under its own name.
    AsItIs,
    /// Under this name.
    Kept(&'static [u8]),
    /// Under both: Varnish drops its own.
    Both(&'static [u8]),
    /// Nowhere.
    Dropped,
}

/// Where a field of a passed answer is put.
pub fn treatment(name: &[u8], head: &ResponseHead<'_>) -> Treatment {
    let has_no_body = matches!(head.framing(), Framing::Empty | Framing::Length(0));
    match name {
        // VRG_CheckBo compares it with what was asked for, in the one form that it knows.
        name if name.eq_ignore_ascii_case(b"content-range") => Treatment::Kept(kept::CONTENT_RANGE),
        // Varnish has one of its own.
        name if name.eq_ignore_ascii_case(TRANSACTION) => Treatment::Kept(b"X-Gateway-Passed-X-Varnish"),
        name if name.eq_ignore_ascii_case(b"age") => Treatment::Both(b"X-Gateway-Passed-Age"),
        name if has_no_body && name.eq_ignore_ascii_case(b"content-encoding") => {
            Treatment::Both(b"X-Gateway-Passed-Content-Encoding")
        }
        _ => Treatment::AsItIs,
    }
}

/// Where a field of an answer is put that may go into the cache. Content-Range says something of a part
/// only (RFC 9110 section 14.4): VRG_CheckBo fails whatever else has it. A 304 does not change that of
/// what is stored, nor its tag, which may be weak where that of the 304 is strong.
pub fn treatment_in_cache(name: &[u8], status: u16) -> Treatment {
    let is_of_part = name.eq_ignore_ascii_case(b"content-range");
    match status {
        206 => Treatment::AsItIs,
        304 if is_of_part || name.eq_ignore_ascii_case(b"etag") => Treatment::Dropped,
        _ if is_of_part => Treatment::Kept(kept::CONTENT_RANGE),
        _ => Treatment::AsItIs,
    }
}

/// Keeps what was asked for from VRG_CheckBo, which fails a fetch whose Range it does not understand.
/// A request that user VCL rolls back to this one has it still: it is written to a backend as Range.
///
/// # Safety
/// `bereq0` is the running backend task's.
pub unsafe fn keep_range(bereq0: *mut ffi::http) -> Result<(), NoRoom> {
    // SAFETY: as promised.
    unsafe { kept::keep(bereq0, b"Range") }
}

struct Filter(ffi::vfp);

// SAFETY: its pointers lead to statics.
unsafe impl Sync for Filter {}

/// Takes the place of a filter that is not wanted. Varnish goes past it.
static BYPASS: Filter = Filter(ffi::vfp {
    name: c"ghost_bypass".as_ptr(),
    init: Some(bypass),
    pull: None,
    fini: None,
    priv1: ptr::null(),
});

/// Asks not to be called (vfp_init_f).
unsafe extern "C" fn bypass(
    _ctx: *const ffi::vrt_ctx,
    _context: *mut ffi::vfp_ctx,
    _entry: *mut ffi::vfp_entry,
) -> VfpStatus {
    VfpStatus::Null
}

/// Lets a body go by unlooked at that Varnish would inflate for a test, if it takes it for gzip: it
/// breaks one off that has several members (RFC 1952 section 2.2).
///
/// # Safety
/// `context` is that of a fetch whose filters begin, before those above ghost's.
pub unsafe fn bypass_test(context: &ffi::vfp_ctx) {
    let mut entry = context.vfp.vtqh_first;
    // SAFETY: Varnish's own list, whose entries and their filters live as long as the fetch.
    while let Some(filter) = unsafe { entry.as_mut() } {
        // SAFETY: as above; names are static.
        if unsafe { CStr::from_ptr((*filter.vfp).name) } == c"testgunzip" {
            filter.vfp = &raw const BYPASS.0;
        }
        entry = filter.list.vtqe_next;
    }
}
