//! Routing, in vcl_recv: what came in is cleaned, routed, and marked with where it goes.

mod absolute;
mod body;
mod forward;
mod host;
mod limits;
mod listener;
mod malformed;
mod outcome;
mod part;
mod pristine;

use std::ffi::CStr;
use std::ptr;

use varnish::ffi::{self, vrt_ctx, VslTag, VCL_BACKEND};

pub use body::refuse_if_gone;

use crate::cache::{self, lookup::CacheTask};
use crate::counters::{count, counters};
use crate::director;
use crate::directors::VclState;
use crate::gateway;
use crate::kept;
use crate::local_reply::LocalReply;
use crate::log;
use crate::message::{Line, Message, NoRoom};
use crate::method;
use crate::reload;
use crate::snapshot::Snapshot;
use crate::socket;
use crate::task::{ClientTask, Outcome};
use crate::task_state;
use crate::via;

/// What ghost itself says in the request. Nobody else can.
const OWN_PREFIX: &[u8] = b"x-gateway-";

/// Routes the request anew.
///
/// # Safety
/// `ctx` is the running client task's, in a subroutine of the VCL that `vcl` belongs to.
pub unsafe fn route(ctx: &vrt_ctx, vcl: &VclState) {
    // SAFETY: as promised.
    let task = unsafe { task_state::get_or_new::<ClientTask>(ctx) };
    let (wants_stale, selection) = (task.cache.wants_stale, task.cache.selection.take());
    let mut cache = CacheTask { wants_stale, selection, ..CacheTask::default() };
    std::mem::swap(&mut cache.filter, &mut task.cache.filter);
    *task = ClientTask { forwarded: task.forwarded, cache, ..ClientTask::default() };
    // SAFETY: as promised.
    let decided = unsafe {
        restore_kept(ctx);
        clean_and_decide(ctx, vcl, task)
    };
    task.outcome = match decided {
        Ok(outcome) => outcome,
        Err(no_room) => {
            // SAFETY: as promised.
            unsafe { log::line(ctx.vsl, VslTag::VclError, &format!("ghost: {no_room}")) };
            // SAFETY: as promised.
            unsafe { outcome::local_reply(ctx, 500, "the request leaves no room for what ghost adds") }
        }
    };
    // User VCL may look it up without asking the policy.
    // SAFETY: as promised.
    unsafe { cache::lookup::select(ctx, task) };
    if ctx.method == method::RECV {
        count_outcome(&task.outcome);
    }
}

/// Routes the request where that was not done, or was undone by a rollback of user VCL; the backend that Varnish
/// was told of is replaced then by the one that is chosen now. In vcl_synth, the answer in the making is ghost's if
/// it has the status that ghost answers by.
///
/// # Safety
/// As for [`route`], in vcl_recv or vcl_synth.
pub unsafe fn ensure_routed(ctx: &vrt_ctx, vcl: &VclState) {
    // SAFETY: as promised.
    unsafe {
        if task_state::get::<ClientTask>(ctx).is_some() {
            return;
        }
        if ctx.method == method::SYNTH {
            if socket::name(ctx) == reload::SOCKET {
                // What was loaded gets the answer that it got.
                reload::handle(ctx, vcl);
            } else {
                route(ctx, vcl);
                task_state::get_or_new::<ClientTask>(ctx).announced = true;
            }
            return;
        }
        route(ctx, vcl);
        let hint = &raw mut (*ctx.req).director_hint;
        if director::is_ghost(*hint) {
            ffi::VRT_Assign_Backend(hint.cast::<VCL_BACKEND>(), backend(ctx));
        }
    }
}

/// Finds the rule again of a request that user VCL has rolled back after vcl_recv, which drops what ghost remembers
/// of it. Errors where that cannot be done.
///
/// The director that the request has kept knows its rule. Where user VCL has put another one in its place, the request is
/// routed anew.
///
/// # Safety
/// As for [`route`], in vcl_deliver.
pub unsafe fn find_rule(ctx: &vrt_ctx, vcl: &VclState) -> Result<(), NoRoom> {
    // SAFETY: as promised; the request holds the director.
    unsafe {
        if task_state::get::<ClientTask>(ctx).is_some() {
            return Ok(());
        }
        let task = task_state::get_or_new::<ClientTask>(ctx);
        match director::rule((*ctx.req).director_hint) {
            Some(rule) => task.rule = Some(rule),
            None => task.outcome = clean_and_decide(ctx, vcl, task)?,
        }
    }
    Ok(())
}

/// Lets a request whose routing panicked be answered 500.
///
/// # Safety
/// `ctx` is the running client task's.
pub unsafe fn fail(ctx: &vrt_ctx) {
    // SAFETY: as promised.
    unsafe { task_state::get_or_new::<ClientTask>(ctx) }.outcome =
        Outcome::LocalReply(LocalReply::status(500));
    count(&counters().broken);
}

/// The director of the chosen backend; none where ghost answers by itself.
///
/// # Safety
/// `ctx` is the running client task's.
pub unsafe fn backend(ctx: &vrt_ctx) -> VCL_BACKEND {
    // SAFETY: as promised.
    match unsafe { task_state::get::<ClientTask>(ctx) } {
        Some(ClientTask { outcome: Outcome::Forward { director, .. }, .. }) => *director,
        _ => VCL_BACKEND::default(),
    }
}

/// Gives the fields of a request that begins anew their own names again that were kept from Varnish.
/// A first time there are none but those that a client has forged.
unsafe fn restore_kept(ctx: &vrt_ctx) {
    // SAFETY: as promised by the caller of `route`.
    unsafe {
        if (*ctx.req).restarts > 0 {
            kept::restore(ctx.http_req.0);
        }
    }
}

unsafe fn clean_and_decide(ctx: &vrt_ctx, vcl: &VclState, task: &mut ClientTask) -> Result<Outcome, NoRoom> {
    // SAFETY: as promised by the caller of `route`: both headers are this task's, and the name of a socket
    // lives as long as the process.
    let (mut req, mut pristine, socket) = unsafe {
        let pristine = Message::new((*ctx.req).http0);
        match (Message::new(ctx.http_req.0), pristine) {
            (Some(req), Some(pristine)) => (req, pristine, socket::name(ctx)),
            _ => return Ok(Outcome::None),
        }
    };
    let listener = listener::of(socket);
    // The access log reads these records: a header's would show what the client sent under its name.
    // SAFETY: as above, the log is the running task's.
    unsafe { log::line(ctx.vsl, VslTag::VclLog, listener.log) };
    let running = gateway::running_now();
    // SAFETY: as above.
    let is_part = unsafe { (*ctx.req).esi_level } > 0;
    if is_part {
        // SAFETY: as above.
        unsafe { part::keep_credentials(ctx, &mut req, &mut pristine) };
    }
    // SAFETY: as above.
    let prepared = unsafe { prepare(ctx, &mut pristine, running.as_deref(), socket, listener.header) };
    let is_first = prepared == Ok(None) && !task.forwarded;
    let copied = if is_first {
        forward::copy(&mut req, &pristine)
    } else {
        req.retain(|line| !is_own(line));
        Ok(())
    };
    let marked = copied.and_then(|()| req.add_static(listener.header)).and_then(|()| {
        if is_part {
            req.add_static(kept::PART)
        } else {
            Ok(())
        }
    });
    let snapshot = match (&*running, prepared?) {
        (Some(snapshot), None) => snapshot,
        (_, refused) => {
            let (status, why) = refused.unwrap_or((503, "there is no configuration yet"));
            // SAFETY: as above.
            return Ok(unsafe { outcome::local_reply(ctx, status, why) });
        }
    };
    marked?;
    absolute::to_origin(&mut req)?;
    if is_first {
        // Varnish has put the scheme of HTTP/2 among the fields, and backends are not sent it.
        if req.version() >= 20 {
            req.remove_first(b"scheme");
        }
        if req.field(b"host").is_none() {
            req.share(b"Host", &pristine)?;
        }
        via::request(&mut req, &pristine)?;
        task.forwarded = true;
    }
    // SAFETY: as above.
    unsafe { outcome::decide(ctx, vcl, task, &mut req, snapshot, socket) }
}

/// Makes what rollbacks go back to, before anything else that can fail; returns status and reason where the request is
/// refused instead.
unsafe fn prepare(
    ctx: &vrt_ctx,
    pristine: &mut Message<'_>,
    snapshot: Option<&Snapshot>,
    socket: &[u8],
    listener: &'static CStr,
) -> Result<Option<(u16, &'static str)>, NoRoom> {
    // What the gateway adds to the request does not count.
    let mut refused = if pristine.has_static(listener) { None } else { refusal(pristine) };
    // SAFETY: as promised by the caller of `route`.
    if refused.is_none() && snapshot.is_some() && unsafe { host::is_missing(ctx, pristine) } {
        refused = Some((400, "a request of HTTP/1.1 has no Host header"));
    }
    // SAFETY: as above; the body's status is a static.
    let is_chunked = unsafe { ptr::eq((*ctx.req).req_body_status, ffi::BS_CHUNKED.as_ptr()) };
    if refused.is_none() && is_chunked && malformed::has_further_coding(pristine) {
        // Nobody knows where the body ends.
        // SAFETY: as above.
        unsafe { (*ctx.req).doclose = ffi::SC_RX_BAD.as_ptr() };
        refused = Some((400, "a Transfer-Encoding field stands behind another one"));
    }
    match snapshot {
        // SAFETY: as above.
        Some(snapshot) if refused.is_none() => unsafe {
            pristine::make(ctx, pristine, snapshot, socket, listener)?;
        },
        _ => pristine::clean(pristine, listener),
    }
    Ok(refused)
}

/// Status and reason of the refusal of a request as it was received; none for one that is sound.
fn refusal(received: &Message<'_>) -> Option<(u16, &'static str)> {
    limits::exceeded(received).or_else(|| Some((400, malformed::fault(received)?)))
}

fn is_own(line: Line<'_>) -> bool {
    line.begins_with(OWN_PREFIX)
}

fn count_outcome(outcome: &Outcome) {
    match outcome {
        Outcome::None => {}
        Outcome::Forward { .. } => count(&counters().forwarded),
        Outcome::LocalReply(reply) => reply.count(),
    }
}
