//! The direct door: a passed request gets its answer in the client's own thread, without a backend task.
//!
//! vcl_recv hands the request over to vcl_synth. There the exchange with the backend is made and its head becomes the
//! answer's ([`response`]). A delivery filter gives the client the body as it comes ([`delivery`]). No other
//! filter and none of Varnish's own treatment of objects comes between: what the backend sent is what the client gets.
//!
//! vcl_pass, vcl_backend_* and vcl_deliver do not run. So this door is open only in a VCL that has no use for them.
//!
//! # What holds at the boundary to C
//! - The exchange has one owner at a time: the task's state until the filter's `init`, then the filter until its `fini`.
//!   Varnish calls `fini` for each filter that it has begun, also for HEAD and where a later filter or the transport
//!   fails. Where `init` is never called (vcl_synth fails, user VCL rolls back), the state goes with its task.
//! - Head fields are copied into the client's workspace, which is rolled back at the task's end only, or by a rollback
//!   that begins the answer anew. Protocol and the filter's name are static.
//! - A lent piece of the body is valid until the next one is asked for. It goes down with Flush or End, upon which
//!   HTTP/1.1 has written it when the call returns, as HTTP/2 has with every call.
//! - The rest of a large body goes around V1B to the client's socket ([`splice`]), once all that V1B was given is
//!   written. V1B keeps nothing but the count of what was written, which is kept up.
//! - An error is -1: Varnish latches it, so that no last chunk is written and the connection ends, or the stream is reset.
//! - Of a request's body, Varnish keeps the state: one that was taken, or failed, is an error of VRB_Iterate and not
//!   read again; one that is cached is read from storage; one left in the middle ends the connection.
//! - Requests of ESI (level above 0) never come here: their answers are part of another one.

mod client;
mod delivery;
mod response;
mod splice;
mod timeouts;

use std::ptr;

use ghost_upstream::{Exchange, RequestOptions};
use varnish::ffi::{vrt_ctx, VslTag, VCL_BACKEND};

pub use client::Waiting;
pub use delivery::{broken_off, FILTER};

use crate::cache::statistics::{self, Handled};
use crate::counters::{count, counters};
use crate::director;
use crate::directors::VclState;
use crate::fetch::{self, Failure};
use crate::forward::{self, Forwarded};
use crate::local_reply::LocalReply;
use crate::log;
use crate::message::Message;
use crate::method;
use crate::registered;
use crate::request_body::{self, Origin};
use crate::task::{ClientTask, Outcome};
use crate::task_state;

/// The status under which vcl_recv hands a request over to vcl_synth. The backend's own takes its place there.
pub const STATUS: u16 = 200;

/// An answer whose head was written, and whose body is to be delivered.
pub struct Passed {
    exchange: Exchange,
    /// What the log calls the backend. It belongs to the director of the task's outcome, which the task
    /// holds to its end.
    name: *const str,
    /// How often the request had been restarted when it got the answer.
    restarts: u32,
}

/// Whether the request may go through this door: it goes to a rule, and user VCL has not chosen another backend.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_recv.
pub unsafe fn takes(ctx: &vrt_ctx, task: &ClientTask) -> bool {
    let Outcome::Forward { director, .. } = &task.outcome else { return false };
    // SAFETY: as promised.
    unsafe { ptr::eq((*ctx.req).director_hint, director.0) && (*ctx.req).esi_level == 0 }
}

/// Counts a request that is passed by way of a fetch though its VCL has this door open. One of ESI has no other way.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_pass or vcl_pipe of the VCL that `vcl` belongs to.
pub unsafe fn count_bypass(ctx: &vrt_ctx, vcl: &VclState) {
    // SAFETY: as promised.
    if ctx.method == method::PASS && vcl.is_direct() && unsafe { (*ctx.req).esi_level } == 0 {
        count(&counters().direct_bypassed);
    }
}

/// Makes the exchange with a backend, and writes the head of its answer. Returns false where there is none; the task has
/// what ghost answers instead then, and the answer its status.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_synth.
pub unsafe fn answer(ctx: &vrt_ctx, task: &mut ClientTask) -> bool {
    // SAFETY: as promised.
    let Err(reply) = (unsafe { exchange(ctx, task) }) else { return true };
    task.cache.handled.set(Some(Handled::Pass));
    // SAFETY: as promised. Later, its rule is not known any more.
    unsafe { statistics::count_request(ctx, task) };
    // SAFETY: as promised.
    unsafe { response::clear(ctx, reply.status) };
    task.outcome = Outcome::LocalReply(reply);
    false
}

/// Gives up an answer that was made before the request was restarted. A restart begins with vcl_recv, where the task's
/// state is made anew; but one restart too many goes to vcl_synth at once, where Varnish has begun an answer of its own.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_synth.
pub unsafe fn give_up_outdated(ctx: &vrt_ctx, task: &mut ClientTask) {
    // SAFETY: as promised.
    let restarts = unsafe { (*ctx.req).restarts };
    if task.passed.as_ref().is_some_and(|passed| passed.restarts != restarts) {
        (task.passed, task.answering) = (None, false);
    }
}

/// Sees to it that the answer of a backend is delivered, if there is one, whatever user VCL has done to filters and body
/// since. Where it has rolled the request back, the exchange went with the task's state, and Varnish has begun a
/// synthetic answer anew.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_synth.
pub unsafe fn keep(ctx: &vrt_ctx) {
    // SAFETY: as promised.
    unsafe {
        if task_state::get::<ClientTask>(ctx).is_some_and(|task| task.passed.is_some()) {
            response::name_filter(ctx);
        }
    }
}

unsafe fn exchange(ctx: &vrt_ctx, task: &mut ClientTask) -> Result<(), LocalReply> {
    let Outcome::Forward { director, .. } = &task.outcome else { return Err(LocalReply::status(500)) };
    let director = *director;
    // SAFETY: as promised by the caller of `answer`; the task holds what the director lives as long as.
    unsafe {
        let target = director::target(director);
        let Some(request) = Message::new((*ctx.req).http) else { return Err(LocalReply::status(500)) };
        let forwarded =
            forward::pick(ctx, ctx.vsl, &request, director, target).inspect_err(LocalReply::count)?;
        // The access log reads this: for Varnish the answer is one of VCL's.
        log::line(ctx.vsl, VslTag::VclLog, "ghost_handling: pass");
        match attempt(ctx, director, &request, &forwarded) {
            Ok(exchange) => {
                fetch::log_open(ctx.vsl, forwarded.name, &exchange);
                if let Err(no_room) = response::write(ctx, task, target, &exchange, forwarded.applied.carried)
                {
                    fetch::log_close(ctx.vsl, forwarded.name, &exchange);
                    return Err(fail(ctx, forwarded.name, &no_room.into()));
                }
                let restarts = (*ctx.req).restarts;
                task.passed = Some(Box::new(Passed { exchange, name: forwarded.name, restarts }));
                count(&counters().direct);
                Ok(())
            }
            Err(failure) => Err(fail(ctx, forwarded.name, &failure)),
        }
    }
}

unsafe fn attempt(
    ctx: &vrt_ctx,
    director: VCL_BACKEND,
    request: &Message<'_>,
    forwarded: &Forwarded<'_>,
) -> Result<Exchange, Failure> {
    let Forwarded { service, service_director, applied, .. } = forwarded;
    let req = ctx.req;
    // SAFETY: as promised by the caller of `answer`.
    unsafe {
        if !registered::is_healthy(ctx, director) || !service_director.is_healthy(ctx) {
            return Err(Failure::Sick);
        }
        let head = fetch::head(applied, request)?;
        let options = RequestOptions { timeouts: timeouts::parameters(), ..RequestOptions::default() };
        let waiting = Waiting::new(req);
        let mut sent = 0;
        let exchange = request_body::with(
            Origin::of_client(req),
            |origin, upload| request_body::upload((*req).wrk, ctx.vsl, origin, upload, &mut sent),
            |body| service.exchange(head, body, &options, &waiting),
        )?;
        Ok(exchange)
    }
}

/// Says in the log why there is no answer, and what the client is told.
unsafe fn fail(ctx: &vrt_ctx, name: &str, failure: &Failure) -> LocalReply {
    // SAFETY: as promised by the caller of `answer`.
    unsafe { fetch::log_failure(ctx.vsl, name, failure) };
    LocalReply::status(failure.status())
}
