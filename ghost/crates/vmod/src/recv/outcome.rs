//! What becomes of a request: a backend's director, or an answer of ghost's own.

use std::sync::Arc;

use ghost_config::Redirect;
use ghost_route::{target, Answer, Chosen, Decision, Headers, Outcome as Decided, Request, Share};
use varnish::ffi::{vrt_ctx, VslTag};

use crate::answer;
use crate::directors::{Table, VclState};
use crate::log;
use crate::message::{Message, NoRoom};
use crate::own::Own;
use crate::scratch;
use crate::snapshot::Snapshot;
use crate::task::{ClientTask, Outcome};

const ROUTE: &[u8] = b"X-Gateway-Route";

impl Headers for Message<'_> {
    fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields()
    }
}

/// Decides by this configuration, and marks the request with the route that it fits.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_recv of the VCL that `vcl` belongs to.
pub unsafe fn decide(
    ctx: &vrt_ctx,
    vcl: &VclState,
    task: &mut ClientTask,
    req: &mut Message<'_>,
    snapshot: &Arc<Snapshot>,
    socket: &[u8],
) -> Result<Outcome, NoRoom> {
    let router = snapshot.router();
    let host = req.field(b"host").unwrap_or_default();
    let request = Request { socket, host, method: req.method(), target: req.url(), headers: &*req };
    let decision = scratch::with(|buffers| router.decide(&request, &mut buffers.route));
    let table = vcl.table(snapshot);
    task.routed_by = Some((Arc::clone(snapshot), Arc::clone(&table)));
    task.rule = decision.chosen;
    if let Some(chosen) = &decision.chosen {
        let id = router.route(chosen).id.as_bytes();
        req.add(ROUTE, id)?;
        // SAFETY: as promised, the log is the running task's.
        unsafe { log::named(ctx.vsl, VslTag::VclLog, c"ghost_route", id) };
    }
    let req = &*req;
    // SAFETY: as promised.
    unsafe {
        Ok(match (decision.outcome, decision.chosen) {
            (Decided::Answer(Answer { status, why }), _) => own(ctx, status, why.as_str()),
            (Decided::Redirect, Some(chosen)) => match &router.rule(&chosen).filters.redirect {
                Some(redirect) => redirect_to(snapshot, &decision, redirect, req),
                None => own(ctx, 500, "a redirect that is not there"),
            },
            (Decided::Forward, Some(chosen)) => match snapshot.pick(&chosen) {
                Some(backend) => share(ctx, &table, snapshot, &decision, chosen, backend, req),
                None => own(ctx, 500, "no backend of the rule has a weight"),
            },
            (_, None) => own(ctx, 500, "a decision without a rule"),
        })
    }
}

/// What becomes of the backend's share.
unsafe fn share(
    ctx: &vrt_ctx,
    table: &Table,
    snapshot: &Arc<Snapshot>,
    decision: &Decision,
    chosen: Chosen,
    backend: usize,
    req: &Message<'_>,
) -> Outcome {
    let rule = snapshot.router().rule(&chosen);
    // SAFETY: as promised by the caller of `decide`; the table is that of the task's VCL.
    unsafe {
        match Share::of(snapshot.config(), &rule.backends[backend]) {
            Share::Answer(Answer { status, why }) => own(ctx, status, why.as_str()),
            Share::Redirect(redirect) => redirect_to(snapshot, decision, redirect, req),
            Share::Send(service) => match table.director(ctx, chosen, backend) {
                Some(director) => {
                    log::named(ctx.vsl, VslTag::VclLog, c"ghost_rule", rule.id.as_bytes());
                    log::named(ctx.vsl, VslTag::VclLog, c"ghost_service", service.id.as_bytes());
                    Outcome::Forward { backend, director }
                }
                None => own(ctx, 503, "there is no director, as the VCL cools"),
            },
        }
    }
}

fn redirect_to(snapshot: &Snapshot, decision: &Decision, redirect: &Redirect, req: &Message<'_>) -> Outcome {
    let router = snapshot.router();
    let Some(listener) = router.listener(decision) else {
        return Outcome::Own(Own::status(500));
    };
    let host = req.field(b"host").unwrap_or_default();
    let prefix = decision.chosen.as_ref().map_or(&b""[..], |chosen| router.prefix(chosen));
    let mut location = Vec::new();
    scratch::with(|buffers| {
        target::location(redirect, listener, host, req.url(), prefix, &mut buffers.route, &mut location);
    });
    Outcome::Own(Own::redirect(redirect.status, location))
}

/// An answer that says its status, and why in the log.
///
/// # Safety
/// `ctx` is the running client task's.
pub unsafe fn own(ctx: &vrt_ctx, status: u16, why: &str) -> Outcome {
    // SAFETY: as promised.
    unsafe { answer::log_reason(ctx, status, why) };
    Outcome::Own(Own::status(status))
}
