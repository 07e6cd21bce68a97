//! The direct door: a passed request gets its answer in the client's own thread, without a backend task.
//!
//! vcl_recv hands the request over to vcl_synth. There the exchange with the backend is made and its head becomes the
//! answer's ([`response`]). A delivery filter gives the client the body as it comes ([`delivery`]). No other
//! filter and none of Varnish's own treatment of objects comes between: what the backend sent is what the client gets.
//!
//! vcl_pass, vcl_backend_* and vcl_deliver do not run. So this door is open only in a VCL that has no use for them.

mod client;
mod delivery;
mod response;
mod timeouts;

use std::ptr;

use ghost_upstream::Terms;
use varnish::ffi::{self, vrt_ctx, VslTag, VCL_BACKEND};

pub use delivery::{register, unregister};

use crate::counters::{count, counters};
use crate::director;
use crate::fetch::{self, Failure};
use crate::forward::{self, Forwarded};
use crate::log;
use crate::message::Message;
use crate::own::Own;
use crate::request_body::{self, Origin};
use crate::task::{ClientTask, Outcome};
use client::Waiting;

/// The status under which vcl_recv hands a request over to vcl_synth. The backend's own takes its place there.
pub const STATUS: u16 = 200;

/// Whether the request may go through this door: it goes to a rule, and user VCL has not chosen another backend.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_recv.
pub unsafe fn takes(ctx: &vrt_ctx, task: &ClientTask) -> bool {
    let Outcome::Forward { director, .. } = &task.outcome else { return false };
    // SAFETY: as promised.
    unsafe { ptr::eq((*ctx.req).director_hint, director.0) && (*ctx.req).esi_level == 0 }
}

/// Makes the exchange with a backend, and writes the head of its answer. Returns false where there is none; the task has
/// what ghost answers instead then, and the answer its status.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_synth.
pub unsafe fn answer(ctx: &vrt_ctx, task: &mut ClientTask) -> bool {
    // SAFETY: as promised.
    let Err(own) = (unsafe { exchange(ctx, task) }) else { return true };
    // SAFETY: as promised.
    unsafe { response::clear(ctx, own.status) };
    task.outcome = Outcome::Own(own);
    false
}

unsafe fn exchange(ctx: &vrt_ctx, task: &mut ClientTask) -> Result<(), Own> {
    let Outcome::Forward { director, .. } = &task.outcome else { return Err(Own::status(500)) };
    let director = *director;
    // SAFETY: as promised by the caller of `answer`; the task holds what the director lives as long as.
    unsafe {
        let target = director::target(director);
        let Some(request) = Message::new((*ctx.req).http) else { return Err(Own::status(500)) };
        let forwarded = forward::draw(ctx, ctx.vsl, &request, director, target).inspect_err(Own::count)?;
        match attempt(ctx, director, &request, &forwarded) {
            Ok(exchange) => match response::write(ctx, target, &exchange, forwarded.applied.carried) {
                Ok(()) => {
                    task.exchange = Some(Box::new(exchange));
                    count(&counters().direct);
                    Ok(())
                }
                Err(no_room) => Err(fail(ctx, forwarded.name, &no_room.into())),
            },
            Err(failure) => Err(fail(ctx, forwarded.name, &failure)),
        }
    }
}

unsafe fn attempt(
    ctx: &vrt_ctx,
    director: VCL_BACKEND,
    request: &Message<'_>,
    forwarded: &Forwarded<'_>,
) -> Result<ghost_upstream::Exchange, Failure> {
    let Forwarded { service, row, applied, .. } = forwarded;
    let req = ctx.req;
    // SAFETY: as promised by the caller of `answer`.
    unsafe {
        let is_sick = |director: VCL_BACKEND| ffi::VRT_Healthy(ctx, director, ptr::null_mut()).0 == 0;
        if is_sick(director) || is_sick(row.director()) {
            return Err(Failure::Sick);
        }
        let head = fetch::head(applied, request)?;
        let terms = Terms { timeouts: timeouts::parameters(), ..Terms::default() };
        let waiting = Waiting::new(req);
        let mut sent = 0;
        let exchange = request_body::with(
            Origin::of_client(req),
            |origin, upload| request_body::upload((*req).wrk, ctx.vsl, origin, upload, &mut sent),
            |body| service.exchange(head, body, &terms, &waiting),
        )?;
        Ok(exchange)
    }
}

/// Says in the log why there is no answer, and what the client is told.
unsafe fn fail(ctx: &vrt_ctx, name: &str, failure: &Failure) -> Own {
    // SAFETY: as promised by the caller of `answer`.
    unsafe { log::line(ctx.vsl, VslTag::FetchError, &format!("backend {name}: {failure}")) };
    Own::status(failure.status())
}
