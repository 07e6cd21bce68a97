//! What ghost is told to do on its own socket: `POST /.varnish-ghost/reload` reads the configuration again
//! and says what came of it, `POST /.varnish-ghost/drain` lets every connection end with its next answer, and
//! `POST /.varnish-ghost/invalidate` invalidates objects of the cache. `GET /.varnish-ghost/cache` tells what the cache
//! has done.

use varnish::ffi::vrt_ctx;

use crate::cache::statistics::{self, Statistics};
use crate::cache::{invalidated, order};
use crate::directors::{self, VclState};
use crate::gateway;
use crate::local_reply::LocalReply;
use crate::message::Message;
use crate::request_body;
use crate::task::{ClientTask, Outcome};
use crate::task_state;

/// The socket that these requests come in by.
pub const SOCKET: &[u8] = b"ghost-reload";

const RELOAD: &[u8] = b"/.varnish-ghost/reload";
const DRAIN: &[u8] = b"/.varnish-ghost/drain";
const INVALIDATE: &[u8] = b"/.varnish-ghost/invalidate";
const CACHE: &[u8] = b"/.varnish-ghost/cache";

/// The most bytes that an order to invalidate may have.
const MAX_ORDER: usize = 1 << 20;

/// Handles the request and remembers the answer for vcl_synth. Returns its status: 200 where it was done, 422
/// where the configuration was refused, 404 and 405 where the request asks for something else.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_recv or vcl_synth of the VCL that `vcl` belongs to.
pub unsafe fn handle(ctx: &vrt_ctx, vcl: &VclState) -> u16 {
    // SAFETY: as promised.
    let answer = match unsafe { Message::new(ctx.http_req.0) } {
        // SAFETY: as promised.
        Some(req) => unsafe { answer(ctx, vcl, &req) },
        None => LocalReply::status(500),
    };
    let status = answer.status;
    // SAFETY: as promised.
    let task = unsafe { task_state::get_or_new::<ClientTask>(ctx) };
    task.outcome = Outcome::LocalReply(answer);
    task.announced = true;
    status
}

unsafe fn answer(ctx: &vrt_ctx, vcl: &VclState, req: &Message<'_>) -> LocalReply {
    let path = req.url().split(|&b| b == b'?').next().unwrap_or_default();
    if ![RELOAD, DRAIN, INVALIDATE, CACHE].contains(&path) {
        return LocalReply::status(404);
    }
    let method: &[u8] = if path == CACHE { b"GET" } else { b"POST" };
    if req.method() != method {
        let mut refusal = LocalReply::status(405);
        refusal.fields.push((b"Allow", method.to_vec()));
        return refusal;
    }
    if path == CACHE {
        let snapshot = gateway::running();
        let none = Statistics { rules: Vec::new() };
        return json(200, &snapshot.map_or(none, |snapshot| statistics::list(&snapshot)));
    }
    if path == DRAIN {
        gateway::drain();
        return LocalReply::status(200);
    }
    if path == INVALIDATE {
        // SAFETY: the caller's promise.
        return unsafe { invalidate(ctx) };
    }
    // SAFETY: the caller's promise.
    unsafe { reload(ctx, vcl) }
}

/// 200 with the generation from which on objects are right, 400 with the reason where nothing was invalidated.
unsafe fn invalidate(ctx: &vrt_ctx) -> LocalReply {
    // In vcl_synth, after a rollback, the body is gone.
    // SAFETY: as promised by the caller of `handle`.
    let read = unsafe { request_body::read(ctx, MAX_ORDER) };
    let orders = read.map_err(|_| format!("the order cannot be read, or has more than {MAX_ORDER} bytes"));
    match orders.and_then(|body| order::read(&body)) {
        Ok(orders) => {
            orders.iter().for_each(invalidated::invalidate);
            json(200, &order::Done { generation: invalidated::generation().0 })
        }
        Err(error) => json(400, &serde_json::json!({ "error": error })),
    }
}

fn json(status: u16, body: &impl serde::Serialize) -> LocalReply {
    LocalReply {
        status,
        fields: vec![(b"Content-Type", b"application/json".to_vec())],
        body: serde_json::to_vec(body).unwrap_or_default(),
    }
}

unsafe fn reload(ctx: &vrt_ctx, vcl: &VclState) -> LocalReply {
    let result = gateway::reload();
    if result.is_taken() {
        directors::retire_all();
        // SAFETY: as promised by the caller of `handle`.
        unsafe { vcl.show(ctx) };
    }
    LocalReply {
        status: if result.is_taken() { 200 } else { 422 },
        fields: vec![(b"Content-Type", b"application/json".to_vec())],
        body: result.to_json().into_bytes(),
    }
}
