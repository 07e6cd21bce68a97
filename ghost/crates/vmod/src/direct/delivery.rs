//! The delivery filter that gives the client a backend's body as it comes.

use std::ffi::{c_int, c_void, CStr};
use std::ptr;
use std::time::Instant;

use ghost_upstream::{Error, Framing, SPLICED_FROM};
use varnish::ffi::{self, vrt_ctx, VdpAction, VslTag};

use super::client::Waiting;
use super::{splice, Passed};
use crate::boundary::caught;
use crate::delivery_filter::DeliveryFilter;
use crate::fetch;
use crate::log;
use crate::task::ClientTask;
use crate::task_state;

/// What `resp.filters` calls it.
pub const NAME: &CStr = c"ghost_direct";

/// The filter, of which each VCL is told.
pub static FILTER: DeliveryFilter = DeliveryFilter::new(NAME, Some(init), Some(bytes), Some(fini));

/// A delivery that goes on.
struct Delivery {
    passed: Box<Passed>,
    waiting: Waiting,
    /// When the client must have taken the whole of a body that is moved.
    until: Option<Instant>,
    /// Whether the body was handed on, or as much of it as there was.
    is_done: bool,
}

/// Takes over the exchange (vdp_init_f), and says how long the body is: Varnish frames it by this.
unsafe extern "C" fn init(
    ctx: *const vrt_ctx,
    context: *mut ffi::vdp_ctx,
    private: *mut *mut c_void,
) -> c_int {
    let begun = caught(|| {
        // SAFETY: Varnish's arguments are the running client task's, and valid for the call.
        unsafe {
            // No answer is passed on where user VCL has named the filter, or has rolled the request back since.
            let Some(passed) = task_state::get::<ClientTask>(&*ctx).and_then(|task| task.passed.take())
            else {
                return false;
            };
            let head = passed.exchange.head();
            let length = match head.framing() {
                Framing::Length(length) => Some(length),
                // What a GET would have brought (RFC 9110 section 9.3.2).
                Framing::Empty => head.content_length(),
                Framing::Chunked | Framing::UntilClose => None,
            };
            *(*context).clen = length.and_then(|length| length.try_into().ok()).unwrap_or(-1);
            let waiting = Waiting::new((*ctx).req);
            let may_splice = matches!(head.framing(), Framing::Length(length) if length >= SPLICED_FROM);
            let until = may_splice.then(|| splice::deadline(&*ctx)).flatten();
            let delivery = Box::new(Delivery { passed, waiting, until, is_done: false });
            *private = Box::into_raw(delivery).cast();
        }
        true
    });
    if begun == Some(true) {
        0
    } else {
        -1
    }
}

/// Hands on the whole body in the place of the byte that Varnish has (vdp_bytes_f).
unsafe extern "C" fn bytes(
    context: *mut ffi::vdp_ctx,
    _action: VdpAction,
    private: *mut *mut c_void,
    _bytes: *const c_void,
    _length: isize,
) -> c_int {
    let result = caught(|| {
        // SAFETY: this is what `init` made; nothing else looks at it during the call.
        unsafe {
            let delivery = &mut *(*private).cast::<Delivery>();
            if std::mem::replace(&mut delivery.is_done, true) {
                return 0;
            }
            delivery.run(context)
        }
    });
    // A panic breaks the answer off.
    result.unwrap_or(-1)
}

impl Delivery {
    unsafe fn run(&mut self, context: *mut ffi::vdp_ctx) -> c_int {
        // SAFETY: as promised by Varnish, the context is the running task's.
        unsafe {
            let exchange = &mut self.passed.exchange;
            // A body that has come meanwhile goes along with the head. One that may take its time does not hold it up.
            if let Err(error) = exchange.receive_now() {
                return broken_off(context, &error);
            }
            match exchange.is_ready() {
                Ok(true) => {}
                Ok(false) => {
                    let result = ffi::VDP_bytes(context, VdpAction::Flush, ptr::null(), 0);
                    if result != 0 {
                        return result;
                    }
                }
                Err(error) => return broken_off(context, &error),
            }
            let socket = splice::socket(context, &self.waiting);
            loop {
                // All that was handed on so far has been written.
                if let Some((to, spliced)) = socket.and_then(|to| Some((to, exchange.splice()?))) {
                    return splice::run(spliced, to, self.until, &self.waiting, context);
                }
                let piece = match exchange.lend(&self.waiting) {
                    Ok([]) => return ffi::VDP_bytes(context, VdpAction::End, ptr::null(), 0),
                    Ok(piece) => ptr::from_ref(piece),
                    Err(error) => return broken_off(context, &error),
                };
                // The memory is used again for the next piece, and freed by `fini`, which comes before that of the
                // transport: what is behind the filter must not keep it. HTTP/1.1's (V1B) writes all that it has upon
                // Flush and End, and HTTP/2's (H2B) does with every call; only Null would let V1B keep the pointer.
                let action = if exchange.is_complete() { VdpAction::End } else { VdpAction::Flush };
                let result = ffi::VDP_bytes(context, action, piece.cast(), piece.len() as isize);
                if result != 0 || matches!(action, VdpAction::End) {
                    return result;
                }
            }
        }
    }
}

/// Says in the log why the body is not whole. Returns what `bytes` does.
///
/// # Safety
/// `context` is that of a filter's `bytes`.
pub unsafe fn broken_off(context: *mut ffi::vdp_ctx, error: &Error) -> c_int {
    // SAFETY: as promised.
    unsafe { log::formatted((*context).vsl, VslTag::FetchError, format_args!("body: {error}")) };
    -1
}

/// Ends the exchange (vdp_fini_f). A connection whose answer was read to its end has been given back already. Varnish
/// calls it for every filter that it has begun, also where there is no body to hand on.
unsafe extern "C" fn fini(context: *mut ffi::vdp_ctx, private: *mut *mut c_void) -> c_int {
    // SAFETY: this is what `init` made, and Varnish gives it back once; null where `init` failed.
    let delivery = unsafe { std::mem::replace(&mut *private, ptr::null_mut()) };
    if !delivery.is_null() {
        // Where this panics the hook has logged it.
        let _ = caught(|| {
            // SAFETY: as above.
            let Delivery { passed, .. } = *unsafe { Box::from_raw(delivery.cast::<Delivery>()) };
            // SAFETY: the context is the running client task's, and so is its log. The name lives as long as the
            // director: the task holds it to its end, and no VCL that could change that runs in a delivery.
            unsafe { fetch::log_close((*context).vsl, &*passed.name, &passed.exchange) };
        });
    }
    0
}
