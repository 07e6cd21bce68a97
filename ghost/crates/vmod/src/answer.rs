//! Local replies, handed over to VCL.

use varnish::ffi::{self, vrt_ctx, VslTag};

use crate::backend_task::BackendTask;
use crate::cache;
use crate::deliver;
use crate::direct;
use crate::directors::VclState;
use crate::kept;
use crate::local_reply::TEXT;
use crate::log;
use crate::message::{Message, NoRoom};
use crate::method;
use crate::task::{ClientTask, Outcome};
use crate::task_state;

/// The status of a local reply in this task, 0 where it has none.
///
/// In vcl_recv, VCL is told by this that it shall hand the request over to vcl_synth, also where a backend's answer
/// comes directly; there, it tells whether the answer in the making is ghost's or that backend's.
///
/// # Safety
/// `ctx` is the running client task's, in a subroutine of the VCL that `vcl` belongs to.
pub unsafe fn status(ctx: &vrt_ctx, vcl: &VclState) -> u16 {
    // SAFETY: as promised.
    let Some(task) = (unsafe { task_state::get::<ClientTask>(ctx) }) else { return 0 };
    if ctx.method == method::SYNTH {
        // SAFETY: as promised.
        let resp = unsafe { Message::new(ctx.http_resp.0) };
        return resp.filter(|_| task.answering).map_or(0, |resp| resp.status());
    }
    if let Outcome::LocalReply(reply) = &task.outcome {
        task.announced = true;
        return reply.status;
    }
    // SAFETY: as promised.
    task.direct = unsafe { !cache::lookup::decide(ctx, task) && vcl.is_direct() && direct::takes(ctx, task) };
    if !task.direct {
        return 0;
    }
    // Varnish makes it "gzip" or nothing of any request but a pass, between vcl_recv and vcl_hash.
    // SAFETY: as promised.
    if let Err(no_room) = unsafe { kept::keep(ctx.http_req.0, b"Accept-Encoding") } {
        // SAFETY: as promised.
        unsafe { log::line(ctx.vsl, VslTag::VclError, &format!("ghost: {no_room}")) };
    }
    direct::STATUS
}

/// The status of a local reply to a request that user VCL has passed or looked up, and that no backend is asked for: VCL
/// is told by this that it shall hand the request over to vcl_synth. 0 where there is none, or where user VCL has set a
/// backend.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_pass or vcl_miss.
pub unsafe fn status_without_backend(ctx: &vrt_ctx) -> u16 {
    // SAFETY: as promised.
    let (task, director) = unsafe { (task_state::get::<ClientTask>(ctx), (*ctx.req).director_hint) };
    match task {
        Some(ClientTask { outcome: Outcome::LocalReply(reply), announced, .. }) if director.is_null() => {
            *announced = true;
            reply.status
        }
        _ => 0,
    }
}

/// Writes header and body of a local reply, in vcl_synth. Nothing for an answer that user VCL has asked
/// for. Errors where it does not fit.
///
/// # Safety
/// `ctx` is the running client task's.
pub unsafe fn write(ctx: &vrt_ctx) -> Result<(), NoRoom> {
    // SAFETY: as promised.
    let (task, resp) = unsafe { (task_state::get::<ClientTask>(ctx), Message::new(ctx.http_resp.0)) };
    let (Some(task), Some(mut resp)) = (task, resp) else { return Ok(()) };
    // SAFETY: as promised.
    unsafe { direct::give_up_outdated(ctx, task) };
    if std::mem::take(&mut task.direct) && resp.status() == direct::STATUS {
        // SAFETY: as promised.
        task.answering = unsafe { direct::answer(ctx, task) };
        if task.answering {
            return Ok(());
        }
        task.announced = true;
    }
    let Outcome::LocalReply(reply) = &task.outcome else { return Ok(()) };
    task.answering = task.announced && resp.status() == reply.status;
    if !task.answering {
        return Ok(());
    }
    for (name, value) in &reply.fields {
        resp.set(name, value)?;
    }
    // SAFETY: in vcl_synth, `specific` is the body's VSB.
    unsafe { append_body(ctx, &reply.body) };
    deliver::filter_own(task, &mut resp)
}

/// Writes the local reply where a backend was picked that no request goes to, else a short one in words,
/// in vcl_backend_error. Errors where it does not fit.
///
/// # Safety
/// `ctx` is the running backend task's, in vcl_backend_error.
pub unsafe fn write_backend_error(ctx: &vrt_ctx) -> Result<(), NoRoom> {
    // SAFETY: as promised.
    let (task, beresp) = unsafe { (task_state::get::<BackendTask>(ctx), Message::new(ctx.http_beresp.0)) };
    let Some(mut beresp) = beresp else { return Ok(()) };
    if let Some(reply) =
        task.and_then(|task| task.local_reply.as_ref()).filter(|reply| reply.status == beresp.status())
    {
        for (name, value) in &reply.fields {
            beresp.set(name, value)?;
        }
        // SAFETY: in vcl_backend_error, `specific` is the body's VSB.
        unsafe { append_body(ctx, &reply.body) };
        return Ok(());
    }
    beresp.set(b"Content-Type", TEXT)?;
    let mut body = beresp.status().to_string().into_bytes();
    body.push(b' ');
    body.extend_from_slice(beresp.reason());
    body.push(b'\n');
    // SAFETY: in vcl_backend_error, `specific` is the body's VSB.
    unsafe { append_body(ctx, &body) };
    Ok(())
}

/// Logs why a request is answered as it is.
///
/// # Safety
/// `ctx` is the running task's.
pub unsafe fn log_reason(ctx: &vrt_ctx, status: u16, why: &str) {
    // SAFETY: as promised.
    unsafe { log::line(ctx.vsl, VslTag::VclLog, &format!("ghost_answer: {status} {why}")) };
}

unsafe fn append_body(ctx: &vrt_ctx, body: &[u8]) {
    let vsb = ctx.specific.cast::<ffi::vsb>();
    if !vsb.is_null() {
        // SAFETY: the caller's; the VSB copies the text.
        unsafe { ffi::VSB_bcat(vsb, body.as_ptr().cast(), body.len() as isize) };
    }
}
