//! Routing, in vcl_recv: what came in is cleaned, routed, and marked with where it goes.

use std::ffi::CStr;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use ghost_config::Scheme;
use ghost_route::forwarded::{Forwarded, Origin};
use ghost_route::{target, Answer, Decision, Headers, Outcome as Decided, Request, Share};
use varnish::ffi::{self, vrt_ctx, VslTag, VCL_BACKEND, VCL_IP, VCL_STRING};

use crate::answer::{self, Own};
use crate::counters::{count, counters};
use crate::director;
use crate::directors::{Table, VclState};
use crate::fetch::reason;
use crate::gateway;
use crate::log;
use crate::message::{Message, NoRoom};
use crate::method;
use crate::scratch;
use crate::snapshot::Snapshot;
use crate::task::{self, ClientTask, Outcome};

/// What ghost itself says in the request. Nobody else can.
const OWN_PREFIX: &[u8] = b"x-gateway-";
const LISTENER: &[u8] = b"X-Gateway-Listener";
const ROUTE: &[u8] = b"X-Gateway-Route";

impl Headers for Message<'_> {
    fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields()
    }
}

/// Routes the request anew.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_recv of the VCL that `vcl` belongs to.
pub unsafe fn route(ctx: &vrt_ctx, vcl: &VclState) {
    // SAFETY: as promised.
    let task = unsafe { task::get_or_new(ctx) };
    *task = ClientTask { forwarded: task.forwarded, ..ClientTask::default() };
    // SAFETY: as promised.
    task.outcome = match unsafe { outcome(ctx, vcl, task) } {
        Ok(outcome) => outcome,
        Err(no_room) => {
            // SAFETY: as promised.
            unsafe { log::line(ctx.vsl, VslTag::VclError, &format!("ghost: {no_room}")) };
            // SAFETY: as promised.
            unsafe { own(ctx, 500, "the request leaves no room for what ghost adds") }
        }
    };
    count_outcome(&task.outcome);
}

/// Routes the request where that was not done, or was undone by a rollback of user VCL; the backend that Varnish
/// was told of is replaced then by the one that is chosen now.
///
/// # Safety
/// As for [`route`].
pub unsafe fn ensure_routed(ctx: &vrt_ctx, vcl: &VclState) {
    // SAFETY: as promised.
    unsafe {
        if ctx.method != method::RECV || task::get(ctx).is_some() {
            return;
        }
        route(ctx, vcl);
        let hint = &raw mut (*ctx.req).director_hint;
        if director::is_ghost(*hint) {
            ffi::VRT_Assign_Backend(hint.cast::<VCL_BACKEND>(), backend(ctx));
        }
    }
}

/// Lets a request whose routing panicked be answered 500.
///
/// # Safety
/// `ctx` is the running client task's.
pub unsafe fn fail(ctx: &vrt_ctx) {
    // SAFETY: as promised.
    unsafe { task::get_or_new(ctx) }.outcome = Outcome::Own(Own::status(500, &words(500)));
    count(&counters().broken);
}

/// The director of the chosen backend; none where ghost answers by itself.
///
/// # Safety
/// `ctx` is the running client task's.
pub unsafe fn backend(ctx: &vrt_ctx) -> VCL_BACKEND {
    // SAFETY: as promised.
    match unsafe { task::get(ctx) } {
        Some(ClientTask { outcome: Outcome::Forward { director, .. }, .. }) => *director,
        _ => VCL_BACKEND::default(),
    }
}

unsafe fn outcome(ctx: &vrt_ctx, vcl: &VclState, task: &mut ClientTask) -> Result<Outcome, NoRoom> {
    // SAFETY: as promised by the caller of `route`: both headers are this task's, and the name of a socket
    // lives as long as the process.
    let (mut req, mut pristine, socket) = unsafe {
        let pristine = Message::new((*ctx.req).http0);
        match (Message::new(ctx.http_req.0), pristine) {
            (Some(req), Some(pristine)) => (req, pristine, string(VRT_r_local_socket(ctx))),
            _ => return Ok(Outcome::None),
        }
    };
    // Also what a rollback and ESI go back to.
    pristine.retain_quietly(|name, _| !is_own(name));
    req.retain(|name, _| !is_own(name));
    req.add(LISTENER, socket)?;
    // The access log reads these records: a header's would show what the client sent under its name.
    // SAFETY: as above, the log is the running task's.
    unsafe {
        log::line(ctx.vsl, VslTag::VclLog, &format!("ghost_listener: {}", String::from_utf8_lossy(socket)))
    };
    let Some(snapshot) = gateway::running() else {
        // SAFETY: as above.
        return Ok(unsafe { own(ctx, 503, "there is no configuration yet") });
    };
    if !task.forwarded {
        // SAFETY: as above.
        let peer = unsafe { peer(VRT_r_client_ip(ctx)) };
        forward(&mut req, &pristine, &snapshot, socket, peer)?;
        task.forwarded = true;
    }
    // SAFETY: as above.
    unsafe { decide(ctx, vcl, task, &mut req, &snapshot, socket) }
}

fn is_own(name: &[u8]) -> bool {
    name.get(..OWN_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(OWN_PREFIX))
}

/// Sets X-Forwarded-*, from what the client sent and not from what Varnish has added to it.
fn forward(
    req: &mut Message<'_>,
    pristine: &Message<'_>,
    snapshot: &Snapshot,
    socket: &[u8],
    peer: IpAddr,
) -> Result<(), NoRoom> {
    let scheme = if socket.starts_with(b"https-") { Scheme::Https } else { Scheme::Http };
    let host = req.field(b"host").unwrap_or_default();
    let mut forwarded = Forwarded::default();
    forwarded.fill(&snapshot.config().trusted_hops, &Origin { peer, scheme, host }, pristine);
    req.set(b"X-Forwarded-For", &forwarded.chain)?;
    req.set(b"X-Forwarded-Proto", &forwarded.proto)?;
    req.set(b"X-Forwarded-Host", &forwarded.host)
}

unsafe fn decide(
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
    let decision = scratch::with(|scratch| router.decide(&request, scratch));
    let table = vcl.table(snapshot);
    task.routed_by = Some((Arc::clone(snapshot), Arc::clone(&table)));
    task.rule = decision.chosen;
    if let Some(chosen) = &decision.chosen {
        let id = &router.route(chosen).id;
        req.add(ROUTE, id.as_bytes())?;
        // SAFETY: as promised by the caller of `route`, the log is the running task's.
        unsafe { log::line(ctx.vsl, VslTag::VclLog, &format!("ghost_route: {id}")) };
    }
    let req = &*req;
    // SAFETY: as promised by the caller of `route`.
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
    chosen: ghost_route::Chosen,
    backend: usize,
    req: &Message<'_>,
) -> Outcome {
    let rule = snapshot.router().rule(&chosen);
    // SAFETY: as promised by the caller of `route`; the table is that of the task's VCL.
    unsafe {
        match Share::of(snapshot.config(), &rule.backends[backend]) {
            Share::Answer(Answer { status, why }) => own(ctx, status, why.as_str()),
            Share::Redirect(redirect) => redirect_to(snapshot, decision, redirect, req),
            Share::Send(service) => match table.director(ctx, chosen, backend) {
                Some(director) => {
                    log::line(ctx.vsl, VslTag::VclLog, &format!("ghost_rule: {}", rule.id));
                    log::line(ctx.vsl, VslTag::VclLog, &format!("ghost_service: {}", service.id));
                    Outcome::Forward { backend, director }
                }
                None => own(ctx, 503, "there is no director, as the VCL cools"),
            },
        }
    }
}

fn redirect_to(
    snapshot: &Snapshot,
    decision: &Decision,
    redirect: &ghost_config::Redirect,
    req: &Message<'_>,
) -> Outcome {
    let Some(listener) = snapshot.router().listener(decision) else {
        return Outcome::Own(Own::status(500, &words(500)));
    };
    let host = req.field(b"host").unwrap_or_default();
    let prefix = decision.chosen.map_or(0, |chosen| chosen.prefix);
    let mut location = Vec::new();
    scratch::with(|scratch| {
        target::location(redirect, listener, host, req.url(), prefix, scratch, &mut location);
    });
    Outcome::Own(Own::redirect(redirect.status, location))
}

/// An answer that says its status, and why in the log.
unsafe fn own(ctx: &vrt_ctx, status: u16, why: &str) -> Outcome {
    // SAFETY: as promised by the caller of `route`.
    unsafe { answer::log_reason(ctx, status, why) };
    Outcome::Own(Own::status(status, &words(status)))
}

fn words(status: u16) -> String {
    reason(status).to_string_lossy().into_owned()
}

fn count_outcome(outcome: &Outcome) {
    let counters = counters();
    count(match outcome {
        Outcome::None => return,
        Outcome::Forward { .. } => &counters.forwarded,
        Outcome::Own(Own { status: 300..=399, .. }) => &counters.redirected,
        Outcome::Own(Own { status: 400, .. }) => &counters.malformed,
        Outcome::Own(Own { status: 404, .. }) => &counters.unmatched,
        Outcome::Own(Own { status: 503, .. }) => &counters.unavailable,
        Outcome::Own(_) => &counters.broken,
    });
}

/// The bytes of a string that Varnish keeps.
unsafe fn string<'a>(text: VCL_STRING) -> &'a [u8] {
    if text.0.is_null() {
        return b"";
    }
    // SAFETY: a C string, as the caller knows.
    unsafe { CStr::from_ptr(text.0) }.to_bytes()
}

/// A client on a unix socket without PROXY has no address; it gets the one that Varnish gives it, too.
unsafe fn peer(address: VCL_IP) -> IpAddr {
    let address: Option<SocketAddr> = address.into();
    address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip())
}

extern "C" {
    // What `local.socket` and `client.ip` read in VCL; exported by varnishd, but in no header that
    // varnish-sys binds.
    fn VRT_r_local_socket(ctx: *const vrt_ctx) -> VCL_STRING;
    fn VRT_r_client_ip(ctx: *const vrt_ctx) -> VCL_IP;
}
