//! The fetch of a rule's request: a backend is drawn, and its filters go along.
//!
//! Each fetch draws anew, also a retry and one in the background; a request that the cache answers takes no turn.

use std::ffi::CStr;

use ghost_route::Answer;
use varnish::ffi::{vrt_ctx, VslTag, VCL_BACKEND};

use crate::answer::log_reason;
use crate::backend_task::BackendTask;
use crate::fetch::{self, Applied};
use crate::gateway;
use crate::log;
use crate::message::Message;
use crate::own::Own;
use crate::rule_handle::{Destination, Drawn};
use crate::socket;
use crate::target::Target;
use crate::task_state;

/// Gets the head of the answer of a backend of the rule. Returns false where there is none, and the task goes on to
/// vcl_backend_error.
///
/// # Safety
/// `ctx` is the running backend task's, in `gethdrs` of this director.
pub unsafe fn fetch(ctx: &vrt_ctx, director: VCL_BACKEND, target: &Target) -> bool {
    // SAFETY: as promised.
    unsafe {
        if let Some(task) = task_state::get::<BackendTask>(ctx) {
            task.own = None;
        }
        match target.rule().draw() {
            Some(drawn) => go(ctx, director, target, &drawn),
            None => answer_own(ctx, own(ctx, 500, "the rule has no backend with a weight")),
        }
    }
}

unsafe fn go(ctx: &vrt_ctx, director: VCL_BACKEND, target: &Target, drawn: &Drawn<'_>) -> bool {
    // SAFETY: as promised by the caller of `fetch`.
    unsafe {
        match (drawn.destination, target.row(drawn.index)) {
            (Destination::Service(service), Some(row)) => {
                log::line((*ctx.bo).vsl.as_mut_ptr(), VslTag::VclLog, drawn.log_service);
                if !service.has_endpoints() {
                    return answer_own(ctx, own(ctx, 503, "the service has no endpoint"));
                }
                let applied = Applied {
                    rule: &target.rule().rule().filters,
                    backend: &drawn.backend.filters,
                    prefix: target.prefix(),
                    carried: drawn.carried,
                };
                let name = target.backend_name(drawn.index, || name(director, target, service.id()));
                fetch::start(ctx, service, &[director, row.director()], &applied, name)
            }
            (Destination::Service(_), None) => answer_own(ctx, own(ctx, 500, "a service without a row")),
            (Destination::Answer(Answer { status, why }), _) => {
                answer_own(ctx, own(ctx, *status, why.as_str()))
            }
            (Destination::Redirect, _) => answer_own(ctx, redirect(ctx, target, drawn)),
        }
    }
}

/// What the log calls the backend: "vcl.service@route/rule".
unsafe fn name(director: VCL_BACKEND, target: &Target, service: &str) -> String {
    // SAFETY: Varnish keeps the name as long as the director, which the caller holds.
    let whole = unsafe { CStr::from_ptr((*(*director.0).vdir).cli_name) }.to_string_lossy();
    let rule = target.rule().name();
    format!("{}{service}@{rule}", whole.strip_suffix(rule).unwrap_or_default())
}

/// The redirect of the backend's filters. What it says of the listener is the same for all on its socket.
unsafe fn redirect(ctx: &vrt_ctx, target: &Target, drawn: &Drawn<'_>) -> Own {
    // SAFETY: as promised by the caller of `fetch`.
    let (bereq, socket) = unsafe { (Message::new((*ctx.bo).bereq), socket::name(ctx)) };
    let snapshot = gateway::running();
    let listeners = snapshot.as_ref().map(|snapshot| &snapshot.config().listeners[..]).unwrap_or_default();
    let listener = listeners.iter().find(|listener| listener.socket.as_bytes() == socket);
    match (&drawn.backend.filters.redirect, listener, bereq) {
        (Some(redirect), Some(listener), Some(bereq)) => {
            Own::redirect_of(redirect, listener, &bereq, target.prefix())
        }
        // SAFETY: as above.
        _ => unsafe { own(ctx, 500, "a redirect from a listener that is gone") },
    }
}

unsafe fn own(ctx: &vrt_ctx, status: u16, why: &str) -> Own {
    // SAFETY: as promised by the caller of `fetch`.
    unsafe { log_reason(ctx, status, why) };
    Own::status(status)
}

/// Leaves an answer of ghost's own to vcl_backend_error.
unsafe fn answer_own(ctx: &vrt_ctx, own: Own) -> bool {
    own.count();
    // SAFETY: as promised by the caller of `fetch`; nothing else refers to the busyobj now.
    unsafe {
        (*ctx.bo).err_code = own.status;
        (*ctx.bo).err_reason = fetch::reason(own.status).as_ptr();
        task_state::get_or_new::<BackendTask>(ctx).own = Some(own);
    }
    false
}
