//! The delivery filter of what comes by a fetch.
//!
//! It stands before those that Varnish puts there itself, and tells the transport of an answer that
//! has broken off: with HTTP/2 the stream is reset then (RFC 9113 section 8.1.1), where Varnish
//! would end it as if it were whole. With HTTP/1.1, Varnish knows by itself while the fetch goes on.
//! Where it has failed before the delivery begins, Varnish takes what there is for the whole: such an
//! answer is not begun, and the connection is closed (RFC 9112 section 8). In between, the fetch waits
//! ([`super::first_look`]). A passed answer gets no range: the backend has decided about it.
//!
//! Varnish chooses its filters when vcl_deliver has run, by what the answer is then. So does this:
//! they are stacked where it is itself begun. Where user VCL names filters by itself
//! (`resp.filters`), those are what there is.

use std::ffi::{c_char, c_int, c_void, CStr};
use std::ptr;

use varnish::ffi::{self, vrt_ctx, VdpAction};

use super::first_look::FirstLook;
use super::is_pass;
use crate::boundary::caught;
use crate::delivery_filter::DeliveryFilter;
use crate::direct::{self, Waiting};
use crate::fetch::{self, rest};
use crate::message::Message;
use crate::workspace;

/// What `resp.filters` calls it.
const NAME: &CStr = c"ghost_fetch";

/// The filter, of which each VCL is told.
pub static FILTER: DeliveryFilter = DeliveryFilter::new(NAME, Some(init), Some(bytes), Some(fini));

/// A delivery that may break off.
struct Delivery {
    object: *const ffi::objcore,
    /// Held until Varnish looks at the object. A stream of HTTP/2 can be reset whatever was delivered.
    first_look: Option<FirstLook>,
    /// The client, for what its fetch leaves to this delivery.
    waiting: Waiting,
}

/// Names the filter where it has something to do: for a pass, and for what is still being fetched,
/// or was until its fetch failed.
///
/// # Safety
/// `req` is the running client task's, in vcl_deliver.
pub unsafe fn name(req: &mut ffi::req) {
    // SAFETY: as promised; the task holds the object. Whoever fetches it may take the pointer away,
    // never put it there.
    unsafe {
        let is_fetched = !(&raw const (*req.objcore).boc).read_volatile().is_null();
        let may_break_off = is_fetched || has_failed(req.objcore);
        if is_pass(req) || may_break_off && req.esi_level == 0 {
            req.vdp_filter_list = NAME.as_ptr();
        }
    }
}

/// Stacks Varnish's own filters, and stays if the object can still break off (vdp_init_f).
unsafe extern "C" fn init(
    ctx: *const vrt_ctx,
    context: *mut ffi::vdp_ctx,
    private: *mut *mut c_void,
) -> c_int {
    const ERROR: c_int = -1;
    const STAYS: c_int = 0;
    const IS_NOT_NEEDED: c_int = 1;
    let begun = caught(|| {
        // SAFETY: Varnish's arguments are the running client task's, and valid for the call. Varnish
        // changes the request itself meanwhile, so that no reference to it is held.
        unsafe {
            let req = (*ctx).req;
            // There is none where user VCL names the filter for a request's body.
            if req.is_null() {
                return ERROR;
            }
            let Some(list) = default_list(ctx, req) else { return ERROR };
            if *list != 0 && VCL_StackVDP(context, (*req).vcl, list, req, ptr::null_mut()) != 0 {
                return ERROR;
            }
            let object: *const ffi::objcore = (*req).objcore;
            let is_fetched = !(*req).boc.is_null();
            let can_reset = (*(*req).http).protover >= 20;
            // From here on the fetch does not fail without a mark that is seen here.
            let first_look = (is_fetched && !can_reset).then(|| FirstLook::new(object));
            if has_failed(object) {
                let is_head = Message::new((*req).http0).is_some_and(|req| req.method() == b"HEAD");
                if !can_reset && !is_head {
                    return ERROR;
                }
            } else if !is_fetched {
                return IS_NOT_NEEDED;
            }
            rest::attach(object);
            let waiting = Waiting::new(req);
            *private = Box::into_raw(Box::new(Delivery { object, first_look, waiting })).cast();
            STAYS
        }
    });
    begun.unwrap_or(ERROR)
}

/// The filters that Varnish would choose, but for the range of a pass; none where the workspace is used
/// up.
unsafe fn default_list(ctx: *const vrt_ctx, req: *mut ffi::req) -> Option<*const c_char> {
    // SAFETY: as promised by Varnish; the list is a string in the task's workspace or static.
    unsafe {
        let named = (*req).vdp_filter_list;
        (*req).vdp_filter_list = ptr::null();
        let list = VRT_r_resp_filters(ctx);
        (*req).vdp_filter_list = named;
        if list.is_null() {
            return None;
        }
        if !is_pass(&*req) {
            return Some(list);
        }
        let words = CStr::from_ptr(list).to_bytes().split(|byte| *byte == b' ');
        let kept: Vec<&[u8]> = words.filter(|word| !word.is_empty() && *word != b"range").collect();
        match kept[..] {
            [] => Some(c"".as_ptr()),
            _ => workspace::string((*req).ws.as_mut_ptr(), &[&kept.join(&b' ')]),
        }
    }
}

/// Whether the fetch of an object has ended before its body.
unsafe fn has_failed(object: *const ffi::objcore) -> bool {
    // SAFETY: the task holds the object; its flags are one byte, which the fetch may change
    // meanwhile.
    let flags = unsafe { (&raw const (*object).flags).read_volatile() };
    u32::from(flags) & ffi::oc_flags_OC_F_FAILED != 0
}

/// Hands on what comes (vdp_bytes_f). Where the fetch has failed since `init`, Varnish takes what there
/// is for the whole here as well: its end is none then.
unsafe extern "C" fn bytes(
    context: *mut ffi::vdp_ctx,
    action: VdpAction,
    private: *mut *mut c_void,
    bytes: *const c_void,
    length: isize,
) -> c_int {
    // SAFETY: Varnish's own arguments; `init` has put the delivery there.
    let handed_on = caught(|| unsafe {
        let delivery = &mut *(*private).cast::<Delivery>();
        delivery.first_look = None;
        if matches!(action, VdpAction::End) {
            if has_failed(delivery.object) {
                return -1;
            }
            return delivery.end(context, bytes, length);
        }
        ffi::VDP_bytes(context, action, bytes, length)
    });
    handed_on.unwrap_or(-1)
}

impl Delivery {
    /// Hands on the end of the object, and behind it what its fetch has left to this delivery ([`rest`]).
    ///
    /// # Safety
    /// As for `bytes`.
    unsafe fn end(&self, context: *mut ffi::vdp_ctx, bytes: *const c_void, length: isize) -> c_int {
        // SAFETY: as promised. What is lent is valid until the next piece is asked for, and those behind have written
        // it by then: see the direct door's delivery.
        unsafe {
            let Some(mut rest) = rest::take(self.object) else {
                return ffi::VDP_bytes(context, VdpAction::End, bytes, length);
            };
            let mut result = ffi::VDP_bytes(context, VdpAction::Flush, bytes, length);
            while result == 0 {
                let (action, piece, length) = match rest.exchange.lend(&self.waiting) {
                    Ok([]) => (VdpAction::End, ptr::null(), 0),
                    Ok(piece) => (VdpAction::Flush, piece.as_ptr().cast(), piece.len() as isize),
                    Err(error) => {
                        result = direct::broken_off(context, &error);
                        break;
                    }
                };
                result = ffi::VDP_bytes(context, action, piece, length);
                if matches!(action, VdpAction::End) {
                    break;
                }
            }
            fetch::log_close((*context).vsl, &rest.name, &rest.exchange);
            result
        }
    }
}

/// Says so where the object has broken off (vdp_fini_f). Varnish ends the filters in their order,
/// so that the transport's comes last; and it keeps the object until all are ended.
unsafe extern "C" fn fini(context: *mut ffi::vdp_ctx, private: *mut *mut c_void) -> c_int {
    // SAFETY: this is what `init` put there, and Varnish's own context.
    let _ = caught(|| unsafe {
        let delivery = std::mem::replace(&mut *private, ptr::null_mut());
        if delivery.is_null() {
            return;
        }
        let Delivery { object, .. } = *Box::from_raw(delivery.cast::<Delivery>());
        if has_failed(object) && (*context).retval >= 0 {
            (*context).retval = -1;
        }
        if let Some(rest) = rest::detach(object) {
            fetch::log_close((*context).vsl, &rest.name, &rest.exchange);
        }
    });
    0
}

extern "C" {
    // What `resp.filters` reads in VCL, and what Varnish stacks its list by; exported by varnishd,
    // but in no header that varnish-sys binds.
    fn VRT_r_resp_filters(ctx: *const vrt_ctx) -> *const c_char;
    fn VCL_StackVDP(
        context: *mut ffi::vdp_ctx,
        vcl: *const ffi::vcl,
        list: *const c_char,
        req: *mut ffi::req,
        bo: *mut ffi::busyobj,
    ) -> c_int;
}
