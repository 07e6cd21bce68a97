//! What becomes of a request: a backend's director, or a local reply.

use std::sync::Arc;

use ghost_route::{Answer, Chosen, Decision, Headers, Outcome as Decided, Request};
use varnish::ffi::{vrt_ctx, VslTag};

use crate::answer;
use crate::directors::VclState;
use crate::local_reply::LocalReply;
use crate::log;
use crate::message::{Message, NoRoom};
use crate::scratch;
use crate::snapshot::Snapshot;
use crate::task::{ClientTask, Outcome};

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
    let chosen = decision.chosen.map(|chosen| snapshot.at_listener(chosen, &decision));
    let rule = chosen.as_ref().map(|chosen| snapshot.rule(chosen));
    if let Some(rule) = rule {
        let labels = rule.labels();
        req.add_line(labels.header())?;
        // SAFETY: as promised, the log is the running task's.
        unsafe {
            log::line(ctx.vsl, VslTag::VclLog, labels.log_route());
            log::line(ctx.vsl, VslTag::VclLog, labels.log_rule());
        }
    }
    // SAFETY: as promised.
    let outcome = unsafe {
        match (decision.outcome, &chosen) {
            (Decided::Answer(Answer { status, why }), _) => local_reply(ctx, status, why.as_str()),
            (Decided::Redirect, Some(chosen)) => redirect(snapshot, &decision, chosen, req),
            (Decided::Forward, Some(chosen)) => forward(ctx, vcl, snapshot, chosen),
            (_, None) => local_reply(ctx, 500, "a decision without a rule"),
        }
    };
    // One more reference would be counted in memory that all threads share.
    let is_known = matches!(outcome, Outcome::Forward { .. });
    task.rule = rule.filter(|_| !is_known).cloned();
    Ok(outcome)
}

/// Sends the request to the backends of the rule, of which one is picked when it is fetched.
unsafe fn forward(ctx: &vrt_ctx, vcl: &VclState, snapshot: &Arc<Snapshot>, chosen: &Chosen) -> Outcome {
    // SAFETY: as promised by the caller of `decide`; the table is that of the task's VCL.
    unsafe {
        if let Some(Answer { status, why }) = snapshot.rule(chosen).answer() {
            return local_reply(ctx, status, why.as_str());
        }
        match vcl.with_table(snapshot, |table| table.director(ctx, snapshot, chosen)) {
            Some((directors, director)) => Outcome::Forward { director, directors },
            None => local_reply(ctx, 503, "there is no director, as the VCL cools"),
        }
    }
}

fn redirect(snapshot: &Snapshot, decision: &Decision, chosen: &Chosen, req: &Message<'_>) -> Outcome {
    let (router, rule) = (snapshot.router(), snapshot.rule(chosen).rule());
    match (router.listener(decision), &rule.filters.redirect) {
        (Some(listener), Some(redirect)) => Outcome::LocalReply(LocalReply::redirect_of(
            redirect,
            listener,
            req,
            rule.prefix(chosen.match_index),
        )),
        _ => Outcome::LocalReply(LocalReply::status(500)),
    }
}

/// An answer that says its status, and why in the log.
///
/// # Safety
/// `ctx` is the running client task's.
pub unsafe fn local_reply(ctx: &vrt_ctx, status: u16, why: &str) -> Outcome {
    // SAFETY: as promised.
    unsafe { answer::log_reason(ctx, status, why) };
    Outcome::LocalReply(LocalReply::status(status))
}
