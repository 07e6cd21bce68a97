//! A backend's answer, handed over to the backend task: head, framing, and the filter that reads the body.

use std::cell::Cell;
use std::ffi::{c_int, c_void, CStr};
use std::sync::atomic::AtomicI32;
use std::{ptr, slice};

use ghost_upstream::{Exchange, Framing, ResponseHead};
use varnish::ffi::{self, BocState, VfpStatus};

use super::abandoned::Above;
use super::failure::Failure;
use super::passed::{self, Treatment};
use super::rest::{self, Rest};
use super::waiting::Waiting;
use crate::boundary::caught;
use crate::cache::Bound;
use crate::deliver::{first_look, CARRIED};
use crate::kept;
use crate::message::{Message, NoRoom};
use crate::workspace;

/// What a backend task holds of its exchange, from the head until VDI_Finish.
pub struct Running {
    /// What the log calls the backend.
    pub name: String,
    pub exchange: Exchange,
    /// For Varnish's panic output, which looks at a file descriptor.
    descriptor: c_int,
    bo: *mut ffi::busyobj,
    above: Above,
    /// How many bytes of the body have come.
    received: u64,
    /// How many may come before it is given up to store the answer; none where that does not matter any more.
    pub bound: Cell<Option<Bound>>,
    /// Whether what comes is stored for those alone who get it already.
    is_given_up: bool,
}

/// Hands the answer over. On failure the task is as it was before.
///
/// # Safety
/// `bo` is the running backend task's, in its director's `gethdrs`.
pub unsafe fn install(
    bo: *mut ffi::busyobj,
    exchange: Exchange,
    carried: Option<&str>,
    name: &str,
) -> Result<(), Failure> {
    // SAFETY: as promised; what is allocated after the snapshot is forgotten together with the pointers
    // to it: beresp is set up anew before vcl_backend_error, and htc and the filter come last.
    unsafe {
        let workspace = (*bo).ws.as_mut_ptr();
        let before = ffi::WS_Snapshot(workspace);
        let is_pass = passed::is_pass(&*bo);
        let result = write_head(bo, exchange.head(), carried, is_pass)
            .and_then(|()| if is_pass { Ok(passed::keep_range((*bo).bereq0)?) } else { Ok(()) })
            .and_then(|()| attach(bo, exchange, name));
        if result.is_err() {
            ffi::WS_Reset(workspace, before);
        }
        result
    }
}

/// Gives a response the status of a backend's, and its reason. Errors where there is no room.
///
/// # Safety
/// `response` is the running task's.
pub unsafe fn put_status(
    response: *mut ffi::http,
    protocol: &'static CStr,
    head: &ResponseHead<'_>,
) -> Result<(), NoRoom> {
    // SAFETY: as promised; the reason is copied into the task's workspace, and the protocol is static.
    unsafe {
        let reason = match head.reason() {
            [] => ptr::null(),
            reason => workspace::string((*response).ws, &[reason]).ok_or(NoRoom::Workspace)?,
        };
        ffi::http_PutResponse(response, protocol.as_ptr(), head.status(), reason);
    }
    Ok(())
}

/// The fields of a backend's answer that go further. What an object carries is no backend's to say.
pub fn fields<'h>(head: &ResponseHead<'h>) -> impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone {
    head.end_to_end_fields()
        .filter(|(name, _)| !name.eq_ignore_ascii_case(CARRIED) && kept::original(name).is_none())
}

unsafe fn write_head(
    bo: *mut ffi::busyobj,
    head: ResponseHead<'_>,
    carried: Option<&str>,
    is_pass: bool,
) -> Result<(), Failure> {
    let protocol = if head.is_http_1_0() { c"HTTP/1.0" } else { c"HTTP/1.1" };
    // SAFETY: beresp is the running task's, set up by Varnish just before.
    let mut beresp = unsafe {
        put_status((*bo).beresp, protocol, &head)?;
        Message::new((*bo).beresp).ok_or(Failure::Internal("no beresp"))?
    };
    let mut bytes = 0;
    for (name, value) in fields(&head) {
        let treatment = match is_pass {
            true => passed::treatment(name, &head),
            false => passed::treatment_in_cache(name, head.status()),
        };
        match treatment {
            Treatment::Dropped => {}
            Treatment::AsItIs => beresp.add(name, value)?,
            Treatment::Kept(kept) => beresp.add(kept, value)?,
            Treatment::Both(kept) => {
                beresp.add(name, value)?;
                beresp.add(kept, value)?;
            }
        }
        bytes += name.len() + value.len() + 4;
    }
    // Of an object that is revalidated, fields stay unless there are others: also what it carried.
    // SAFETY: as above.
    let is_refreshed = head.status() == 304 && unsafe { !(*bo).stale_oc.is_null() };
    if let Some(carried) = carried.or(is_refreshed.then_some("")) {
        beresp.add(CARRIED, carried.as_bytes())?;
    }
    // A 204 has no length (RFC 9110 section 8.6).
    if let Some(length) = head.content_length().filter(|_| head.status() != 204) {
        beresp.add(b"Content-Length", length.to_string().as_bytes())?;
    }
    // SAFETY: as above.
    unsafe { (*bo).acct.beresp_hdrbytes += bytes as u64 };
    Ok(())
}

/// Gives the task its htc and, where there is a body, the filter at the bottom of the stack.
unsafe fn attach(bo: *mut ffi::busyobj, exchange: Exchange, name: &str) -> Result<(), Failure> {
    let framing = exchange.head().framing();
    // SAFETY: `bo` is the running task's; the workspace's memory is large enough for the struct, which is
    // valid when zeroed; `running` lives until `finish` takes it back from htc.
    unsafe {
        let memory = workspace::allocate((*bo).ws.as_mut_ptr(), size_of::<ffi::http_conn>());
        let htc = memory.ok_or(NoRoom::Workspace)?.cast::<ffi::http_conn>();
        htc.write(ffi::http_conn::default());
        let entry = match framing {
            Framing::Empty => ptr::null_mut(),
            _ => match ffi::VFP_Push((*bo).vfc, &raw const FILTER.0) {
                entry if entry.is_null() => return Err(NoRoom::Workspace.into()),
                entry => entry,
            },
        };
        let running = Box::into_raw(Box::new(Running {
            name: name.to_owned(),
            exchange,
            descriptor: -1,
            bo,
            above: Above::nothing(),
            received: 0,
            bound: Cell::new(None),
            is_given_up: false,
        }));
        if let Some(entry) = entry.as_mut() {
            entry.priv1 = running.cast();
        }
        let (status, length) = framing_for_varnish(framing);
        (*htc).magic = ffi::HTTP_CONN_MAGIC;
        (*htc).rfd = &raw mut (*running).descriptor;
        (*htc).doclose = ffi::SC_NULL.as_ptr();
        (*htc).body_status = status;
        (*htc).content_length = length;
        (*htc).priv_ = running.cast();
        (*bo).htc = htc;
    }
    Ok(())
}

fn framing_for_varnish(framing: Framing) -> (ffi::body_status_t, isize) {
    // SAFETY: statics of varnishd, of which only the addresses are taken.
    unsafe {
        match framing {
            Framing::Empty | Framing::Length(0) => (ffi::BS_NONE.as_ptr(), 0),
            Framing::Length(length) => {
                (ffi::BS_LENGTH.as_ptr(), isize::try_from(length).unwrap_or(isize::MAX))
            }
            Framing::Chunked => (ffi::BS_CHUNKED.as_ptr(), -1),
            Framing::UntilClose => (ffi::BS_EOF.as_ptr(), -1),
        }
    }
}

/// Takes back what `install` handed over, if anything.
///
/// # Safety
/// `bo` is the running backend task's, in its director's `finish`.
pub unsafe fn take(bo: &mut ffi::busyobj) -> Option<Box<Running>> {
    // SAFETY: a ghost director's task has no htc but the one from `attach`, which owns `running`.
    unsafe {
        let htc = bo.htc.as_mut()?;
        bo.htc = ptr::null_mut();
        let running = std::mem::replace(&mut htc.priv_, ptr::null_mut());
        (!running.is_null()).then(|| Box::from_raw(running.cast::<Running>()))
    }
}

/// The exchange that runs in this task, if any.
///
/// # Safety
/// `bo` is the running backend task's, of a ghost director.
pub unsafe fn running(bo: &ffi::busyobj) -> Option<&Running> {
    // SAFETY: as for `take`.
    unsafe { bo.htc.as_ref()?.priv_.cast::<Running>().as_ref() }
}

struct Filter(ffi::vfp);

// SAFETY: its pointers lead to statics.
unsafe impl Sync for Filter {}

/// The fetch filter that reads the body.
static FILTER: Filter = Filter(ffi::vfp {
    name: c"ghost".as_ptr(),
    init: Some(init),
    pull: Some(pull),
    fini: Some(fini),
    priv1: ptr::null(),
});

/// Begins before the filters that Varnish has put on top (vfp_init_f).
unsafe extern "C" fn init(
    _ctx: *const ffi::vrt_ctx,
    context: *mut ffi::vfp_ctx,
    entry: *mut ffi::vfp_entry,
) -> VfpStatus {
    let begun = caught(|| {
        // SAFETY: Varnish's own context, and the entry of `attach`.
        unsafe {
            let running = &mut *(*entry).priv1.cast::<Running>();
            if passed::is_pass(&*running.bo) {
                passed::bypass_test(&*context);
            }
            running.above.watch(context, entry)
        }
    });
    match begun {
        // A panic is logged by the hook; the answer goes through the filters that there are.
        Some(true) | None => VfpStatus::Ok,
        Some(false) => VfpStatus::Error,
    }
}

/// Ends the filter (vfp_fini_f). Varnish calls it before it tells anybody that a fetch has failed,
/// whatever has made it fail. Where its body is being delivered, deliveries that are about to look at
/// it do so first.
unsafe extern "C" fn fini(context: *mut ffi::vfp_ctx, _entry: *mut ffi::vfp_entry) {
    // A panic is logged by the hook.
    let _ = caught(|| {
        // SAFETY: Varnish's own context, whose object has a boc while the task runs: its state is the task's to
        // change. Varnish marks the object once more, which changes nothing.
        unsafe {
            let object = (*context).oc;
            if (*context).failed != 0 && (*(*object).boc).state == BocState::Stream {
                HSH_Fail(object);
                first_look::wait(object);
            }
        }
    });
}

/// Reads a piece of the body (vfp_pull_f). Whatever breaks it off is an error of the fetch, so that a part
/// is never delivered as the whole.
unsafe extern "C" fn pull(
    context: *mut ffi::vfp_ctx,
    entry: *mut ffi::vfp_entry,
    buffer: *mut c_void,
    length: *mut isize,
) -> VfpStatus {
    let status = caught(|| {
        // SAFETY: Varnish lends a buffer of this length for the call; the entry is the one of `attach`, and
        // nothing else looks at the exchange during the call.
        unsafe {
            let room = usize::try_from(*length).unwrap_or(0);
            *length = 0;
            let running = (*entry).priv1.cast::<Running>();
            if (*running).is_given_up {
                match leave(context, entry, running) {
                    Left::ToNobody => return (*running).above.abandon(context),
                    Left::ToAClient => return VfpStatus::End,
                    Left::Not => {}
                }
            }
            (*running).pull(context, slice::from_raw_parts_mut(buffer.cast(), room), &mut *length)
        }
    });
    // SAFETY: the context is Varnish's own.
    status.unwrap_or_else(|| unsafe {
        ffi::VFP_Error(context, c"ghost: panic while reading the body".as_ptr())
    })
}

/// To whom the rest of a body is left that is not to be kept.
enum Left {
    /// Nobody gets it. The fetch ends as one that was cancelled, which is no failure.
    ToNobody,
    /// One client gets it, and reads it by itself.
    ToAClient,
    /// It goes on to be stored for those who get it.
    Not,
}

/// Leaves the rest of the body of a killed object to its only client, if it has one, or to nobody.
///
/// # Safety
/// As for `pull`; `running` is the entry's. It is not to be used any more where the rest was left to a client.
unsafe fn leave(context: *mut ffi::vfp_ctx, entry: *mut ffi::vfp_entry, running: *mut Running) -> Left {
    // Where Varnish's own pointer to it leads from then on: nobody has read a descriptor there.
    static NO_DESCRIPTOR: AtomicI32 = AtomicI32::new(-1);
    // SAFETY: as promised; the task, its htc and its object are there as long as the fetch goes on.
    unsafe {
        let object = (*context).oc;
        if rest::is_nobodys(object) {
            return Left::ToNobody;
        }
        // Filters change what is stored; the client would get what they have not seen.
        let is_filtered = (*context).vfp.vtqh_first != entry || !(*entry).list.vtqe_next.is_null();
        let is_left = !is_filtered
            && rest::leave(object, || {
                let htc = (*(*running).bo).htc;
                (*htc).rfd = NO_DESCRIPTOR.as_ptr();
                (*htc).priv_ = ptr::null_mut();
                (*entry).priv1 = ptr::null_mut();
                let Running { exchange, name, .. } = *Box::from_raw(running);
                Rest { exchange, name }
            });
        if is_left {
            Left::ToAClient
        } else {
            Left::Not
        }
    }
}

impl Running {
    unsafe fn pull(
        &mut self,
        context: *mut ffi::vfp_ctx,
        buffer: &mut [u8],
        length: &mut isize,
    ) -> VfpStatus {
        // SAFETY: the task is running.
        let waiting = unsafe { Waiting::new(self.bo) };
        match self.exchange.read(buffer, &waiting) {
            Ok(0) => VfpStatus::End,
            Ok(count) => {
                *length = count as isize;
                self.received += count as u64;
                if let Some(bound) = self.bound.get().filter(|bound| bound.is_passed(self.received)) {
                    self.bound.set(None);
                    // SAFETY: the task is running, and stores what it fetches.
                    self.is_given_up = unsafe { bound.give_up(self.bo) };
                }
                if self.exchange.is_complete() {
                    VfpStatus::End
                } else {
                    VfpStatus::Ok
                }
            }
            // SAFETY: the task is running.
            Err(_) if waiting.is_cancelled() => unsafe { self.above.abandon(context) },
            Err(error) => {
                let failure = Failure::from(error);
                let text = failure.to_string();
                let words = i32::try_from(text.len()).unwrap_or(0);
                // SAFETY: the task is running; the format takes a length and that many bytes, which Varnish
                // copies.
                unsafe {
                    failure.set_status(&mut *self.bo);
                    ffi::VFP_Error(context, c"ghost: %.*s".as_ptr(), words, text.as_ptr())
                }
            }
        }
    }
}

extern "C" {
    // Marks an object whose fetch has failed; exported by varnishd, but in no header that varnish-sys binds.
    fn HSH_Fail(object: *mut ffi::objcore);
}
