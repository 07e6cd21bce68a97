//! The fetch of a rule's request: a backend is picked, and its filters go along.
//!
//! Each fetch picks one, also a retry and one in the background; a request that the cache answers takes no turn.

use std::ffi::CStr;
use std::sync::Arc;

use ghost_config::Backend;
use ghost_route::Answer;
use ghost_upstream::Service;
use varnish::ffi::{self, vrt_ctx, VslTag, VCL_BACKEND};

use crate::answer::log_reason;
use crate::backend_task::BackendTask;
use crate::cache;
use crate::fetch::{self, Applied};
use crate::gateway;
use crate::local_reply::LocalReply;
use crate::log;
use crate::message::Message;
use crate::rule_handle::{Destination, PickedBackend};
use crate::service_director::ServiceDirector;
use crate::socket;
use crate::target::Target;
use crate::task_state;

/// Where a request of a rule goes: to a service, with what is done to it on its way.
pub struct Forwarded<'t> {
    /// The service of the backend that was picked.
    pub service: &'t Arc<Service>,
    /// How backend.list shows the service.
    pub service_director: &'t ServiceDirector,
    /// What the log calls the backend.
    pub name: &'t str,
    /// What is done to the request, and what the answer carries.
    pub applied: Applied<'t>,
}

/// Draws a backend of the rule. Where no request goes to it, what ghost answers instead.
///
/// # Safety
/// `ctx` is the running task's, `vsl` its log, and `request` what it asks for. The caller holds the director, which
/// stands for the target.
pub unsafe fn pick<'t>(
    ctx: &vrt_ctx,
    vsl: *mut ffi::vsl_log,
    request: &Message<'_>,
    director: VCL_BACKEND,
    target: &'t Target,
) -> Result<Forwarded<'t>, LocalReply> {
    // SAFETY: as promised.
    unsafe {
        let Some(picked) = target.rule().pick() else {
            return Err(local_reply(ctx, 500, "the rule has no backend with a weight"));
        };
        let PickedBackend { backend, destination, carried, index, log_service } = picked;
        match (destination, target.service_director(index)) {
            (Destination::Service(service), Some(service_director)) => {
                log::line(vsl, VslTag::VclLog, log_service);
                if !service.has_endpoints() {
                    return Err(local_reply(ctx, 503, "the service has no endpoint"));
                }
                let rule = &target.rule().rule().filters;
                let applied = Applied { rule, backend: &backend.filters, prefix: target.prefix(), carried };
                let name = target.backend_name(index, || name(director, target, service.id()));
                Ok(Forwarded { service, service_director, name, applied })
            }
            (Destination::Service(_), None) => Err(local_reply(ctx, 500, "a service without a director")),
            (Destination::Answer(Answer { status, why }), _) => Err(local_reply(ctx, *status, why.as_str())),
            (Destination::Redirect, _) => Err(redirect(ctx, request, target, backend)),
        }
    }
}

/// Gets the head of the answer of a backend of the rule. Returns false where there is none, and the task goes on to
/// vcl_backend_error.
///
/// # Safety
/// `ctx` is the running backend task's, in `gethdrs` of this director.
pub unsafe fn fetch(ctx: &vrt_ctx, director: VCL_BACKEND, target: &Target) -> bool {
    // SAFETY: as promised.
    unsafe {
        let task = task_state::get_or_new::<BackendTask>(ctx);
        *task = BackendTask {
            requested: Some(cache::now()),
            generation: cache::invalidated::generation(),
            ..BackendTask::default()
        };
        let Some(bereq) = Message::new((*ctx.bo).bereq) else {
            return answer_locally(ctx, local_reply(ctx, 500, "no bereq"));
        };
        match pick(ctx, (*ctx.bo).vsl.as_mut_ptr(), &bereq, director, target) {
            Ok(Forwarded { service, service_director, name, applied }) => {
                fetch::start(ctx, service, &[director, service_director.director()], &applied, name)
            }
            Err(reply) => answer_locally(ctx, reply),
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
unsafe fn redirect(ctx: &vrt_ctx, request: &Message<'_>, target: &Target, backend: &Backend) -> LocalReply {
    // SAFETY: as promised by the caller of `pick`.
    let socket = unsafe { socket::name(ctx) };
    let snapshot = gateway::running();
    let listeners = snapshot.as_ref().map(|snapshot| &snapshot.config().listeners[..]).unwrap_or_default();
    let listener = listeners.iter().find(|listener| listener.socket.as_bytes() == socket);
    match (&backend.filters.redirect, listener) {
        (Some(redirect), Some(listener)) => {
            LocalReply::redirect_of(redirect, listener, request, target.prefix())
        }
        // SAFETY: as above.
        _ => unsafe { local_reply(ctx, 500, "a redirect from a listener that is gone") },
    }
}

unsafe fn local_reply(ctx: &vrt_ctx, status: u16, why: &str) -> LocalReply {
    // SAFETY: as promised by the caller of `fetch`.
    unsafe { log_reason(ctx, status, why) };
    LocalReply::status(status)
}

/// Leaves a local reply to vcl_backend_error.
unsafe fn answer_locally(ctx: &vrt_ctx, reply: LocalReply) -> bool {
    reply.count();
    // SAFETY: as promised by the caller of `fetch`; nothing else refers to the busyobj now.
    unsafe {
        (*ctx.bo).err_code = reply.status;
        (*ctx.bo).err_reason = fetch::reason(reply.status).as_ptr();
        task_state::get_or_new::<BackendTask>(ctx).local_reply = Some(reply);
    }
    false
}
