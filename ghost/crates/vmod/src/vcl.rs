//! The functions of the VCL contract, each with its guard: where it may be called, and what happens if it
//! panics.

use std::path::Path;
use std::sync::Arc;

use varnish::ffi::{vrt_ctx, VslTag, VCL_BACKEND};
use varnish::vcl::{Ctx, Event};

use crate::boundary::{caught, log_panics};
use crate::directors::VclState;
use crate::message::NoRoom;
use crate::method;
use crate::task::ClientTask;
use crate::{answer, cache, counters, deliver, direct, directors, gateway, log, recv, reload, task_state};

/// The version that the build names, else the crate's.
const VERSION: &str = match option_env!("GHOST_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// A VCL is loaded, warmed, cooled or discarded.
#[expect(clippy::redundant_allocation, reason = "the macro keeps what a VCL has in a box")]
pub fn event(ctx: &mut Ctx, state: &mut Option<Box<Arc<VclState>>>, event: Event) {
    let _ = caught(|| match event {
        Event::Load => {
            log_panics();
            counters::open();
            cache::objects::subscribe();
            log::global(VslTag::Notice, &format!("ghost: version {VERSION}"));
            // SAFETY: the context is that of the VCL's load.
            if !unsafe { direct::FILTER.register(ctx.raw) && deliver::FILTER.register(ctx.raw) } {
                log::global(VslTag::Error, "ghost: varnishd refuses a delivery filter");
            }
            *state = Some(Box::new(VclState::register()));
        }
        Event::Cold => {
            if let Some(state) = state {
                state.cool();
            }
        }
        Event::Discard => {
            if let Some(state) = state {
                state.discard();
                // SAFETY: the context is that of the VCL's end, and the filters were registered at its load.
                unsafe {
                    direct::FILTER.unregister(ctx.raw);
                    deliver::FILTER.unregister(ctx.raw);
                }
            }
        }
        _ => {}
    });
}

/// `ghost.init`.
pub fn init(ctx: &mut Ctx, state: Option<&Arc<VclState>>, config: &str) {
    if is_whole(ctx.raw) {
        ctx.fail("ghost.init() cannot be called here");
        return;
    }
    // A panic leaves the gateway without a configuration, and is logged by the hook.
    let _ = caught(|| {
        if gateway::init(Path::new(config)) {
            directors::retire_all();
        }
        if let Some(state) = state {
            // SAFETY: the context is that of the VCL's initialisation, and the state the VCL's.
            unsafe { state.show(ctx.raw) };
        }
    });
}

/// `ghost.pass_door`.
pub fn pass_door(ctx: &mut Ctx, state: Option<&Arc<VclState>>, door: &str) {
    match (is_whole(ctx.raw), state, door) {
        (false, Some(state), "direct") => state.set_direct(true),
        (false, Some(state), "fetch") => state.set_direct(false),
        (false, _, _) => {
            ctx.fail(format!("ghost.pass_door(): {door:?} is neither \"direct\" nor \"fetch\""));
        }
        (true, _, _) => {
            ctx.fail("ghost.pass_door() cannot be called here");
        }
    }
}

/// `ghost.recv`.
pub fn recv(ctx: &mut Ctx, state: Option<&Arc<VclState>>) {
    let Some(state) = usable(ctx, state, method::RECV, "recv") else { return };
    // SAFETY: the context is a client task's, in vcl_recv, and the state its VCL's.
    if caught(|| unsafe { recv::route(ctx.raw, state) }).is_none() {
        // SAFETY: as above.
        unsafe { recv::fail(ctx.raw) };
    }
}

/// `ghost.backend`.
pub fn backend(ctx: &mut Ctx, state: Option<&Arc<VclState>>) -> VCL_BACKEND {
    let Some(state) = usable(ctx, state, method::RECV, "backend") else { return VCL_BACKEND::default() };
    // SAFETY: as for `recv`.
    unsafe {
        let routed = caught(|| recv::ensure_routed(ctx.raw, state));
        if routed.is_none() {
            recv::fail(ctx.raw);
        }
        recv::backend(ctx.raw)
    }
}

/// `ghost.answer`.
pub fn answer(ctx: &mut Ctx, state: Option<&Arc<VclState>>) -> i64 {
    let methods = method::RECV | method::PASS | method::MISS | method::SYNTH;
    let Some(state) = usable(ctx, state, methods, "answer") else { return 0 };
    if ctx.raw.method & (method::PASS | method::MISS) != 0 {
        // SAFETY: the context is a client task's, in vcl_pass or vcl_miss.
        return caught(|| unsafe { answer::status_without_backend(ctx.raw) }).unwrap_or(0).into();
    }
    // SAFETY: as for `recv`.
    unsafe {
        let routed = caught(|| {
            recv::ensure_routed(ctx.raw, state);
            // The last word before the request goes on: user VCL can still have made it another one.
            if ctx.raw.method == method::RECV {
                recv::refuse_if_gone(ctx.raw);
            }
        });
        if routed.is_none() {
            recv::fail(ctx.raw);
        }
        // The last word in vcl_synth, too.
        if ctx.raw.method == method::SYNTH {
            direct::keep(ctx.raw);
        }
        answer::status(ctx.raw, state).into()
    }
}

/// `ghost.synth`.
pub fn synth(ctx: &mut Ctx, state: Option<&Arc<VclState>>) {
    let Some(state) = usable(ctx, state, method::SYNTH, "synth") else { return };
    // SAFETY: the context is a client task's, in vcl_synth, and the state its VCL's.
    let written = caught(|| unsafe {
        recv::ensure_routed(ctx.raw, state);
        deliver::hide_transaction(ctx.raw);
        answer::write(ctx.raw).and_then(|()| deliver::close_if_draining(ctx.raw))
    });
    fit(ctx, written);
}

/// `ghost.deliver`.
pub fn deliver(ctx: &mut Ctx, state: Option<&Arc<VclState>>) {
    let Some(state) = usable(ctx, state, method::DELIVER, "deliver") else { return };
    // SAFETY: the context is a client task's, in vcl_deliver, and the state its VCL's.
    let filtered = caught(|| unsafe {
        deliver::hide_transaction(ctx.raw);
        recv::find_rule(ctx.raw, state)?;
        deliver::keep_faithful(ctx.raw)?;
        deliver::filter(ctx.raw)?;
        deliver::close_if_draining(ctx.raw)
    });
    fit(ctx, filtered);
}

/// `ghost.backend_error`.
pub fn backend_error(ctx: &mut Ctx) {
    if is_in(ctx, method::BACKEND_ERROR, "backend_error") {
        // SAFETY: the context is a backend task's, in vcl_backend_error.
        let written = caught(|| unsafe { answer::write_backend_error(ctx.raw) });
        fit(ctx, written);
    }
}

/// `ghost.lookup`.
pub fn lookup(ctx: &mut Ctx, state: Option<&Arc<VclState>>) -> bool {
    let Some(state) = usable(ctx, state, method::RECV, "lookup") else { return false };
    // SAFETY: as for `recv`.
    let found = caught(|| unsafe {
        recv::ensure_routed(ctx.raw, state);
        cache::lookup::decide(ctx.raw, task_state::get_or_new::<ClientTask>(ctx.raw))
    });
    found.unwrap_or(false)
}

/// `ghost.hash`.
pub fn hash(ctx: &mut Ctx) -> bool {
    if !is_in(ctx, method::HASH, "hash") {
        return false;
    }
    // SAFETY: the context is a client task's, in vcl_hash.
    let hashed = caught(|| unsafe { cache::lookup::hash(ctx.raw) });
    let is_hashed = matches!(hashed, Some(Ok(true)));
    // Without its key the request could get what is not for it.
    fit(ctx, hashed.map(|hashed| hashed.map(|_| ())));
    is_hashed
}

/// `ghost.pass`.
pub fn pass(ctx: &mut Ctx, state: Option<&Arc<VclState>>) {
    let Some(state) = usable(ctx, state, method::PASS | method::PIPE, "pass") else { return };
    // SAFETY: the context is a client task's, in vcl_pass or vcl_pipe.
    let given = caught(|| unsafe {
        direct::count_bypass(ctx.raw, state);
        cache::lookup::give_back(ctx.raw)
    });
    fit(ctx, given);
}

/// `ghost.miss`.
pub fn miss(ctx: &mut Ctx) -> bool {
    // SAFETY: the context is a client task's, in vcl_miss.
    is_in(ctx, method::MISS, "miss")
        && caught(|| unsafe { cache::stale::note_miss(ctx.raw) }).unwrap_or(false)
}

/// `ghost.backend_response`.
pub fn backend_response(ctx: &mut Ctx) {
    if is_in(ctx, method::BACKEND_RESPONSE, "backend_response") {
        // SAFETY: the context is a backend task's, in vcl_backend_response.
        let decided = caught(|| unsafe { cache::store::decide(ctx.raw) });
        fit(ctx, decided);
    }
}

/// `ghost.keeps_stale`.
pub fn keeps_stale(ctx: &mut Ctx) -> bool {
    // SAFETY: as for `backend_response`.
    is_in(ctx, method::BACKEND_RESPONSE, "keeps_stale")
        && caught(|| unsafe { cache::store::keeps_stale(ctx.raw) }).unwrap_or(false)
}

/// `ghost.store`.
pub fn store(ctx: &mut Ctx) -> bool {
    // SAFETY: as for `backend_response`.
    is_in(ctx, method::BACKEND_RESPONSE, "store")
        && caught(|| unsafe { cache::store::finish(ctx.raw) }).unwrap_or(false)
}

/// `ghost.stale`.
pub fn stale(ctx: &mut Ctx) -> bool {
    // SAFETY: the context is a client task's, in vcl_deliver or vcl_synth.
    is_in(ctx, method::DELIVER | method::SYNTH, "stale")
        && caught(|| unsafe { cache::stale::is_wanted(ctx.raw) }).unwrap_or(false)
}

/// `ghost.reload`.
pub fn reload(ctx: &mut Ctx, state: Option<&Arc<VclState>>) -> i64 {
    let Some(state) = usable(ctx, state, method::RECV, "reload") else { return 500 };
    // SAFETY: as for `recv`.
    caught(|| unsafe { reload::handle(ctx.raw, state) }).unwrap_or(500).into()
}

/// The VCL's state, where the function may be called.
fn usable<'a>(
    ctx: &mut Ctx,
    state: Option<&'a Arc<VclState>>,
    methods: u32,
    function: &str,
) -> Option<&'a VclState> {
    if !is_in(ctx, methods, function) {
        return None;
    }
    if state.is_none() {
        ctx.fail("ghost: this VCL was not announced to the VMOD");
    }
    state.map(|state| &**state)
}

/// Whether the function is called from one of these subroutines; the task fails otherwise.
fn is_in(ctx: &mut Ctx, methods: u32, function: &str) -> bool {
    let allowed = ctx.raw.method & methods != 0 && is_whole(ctx.raw);
    if !allowed {
        ctx.fail(format!("ghost.{function}() cannot be called here"));
    }
    allowed
}

/// Whether the context is that of a request.
fn is_whole(ctx: &vrt_ctx) -> bool {
    !ctx.req.is_null() || !ctx.bo.is_null()
}

/// Fails the task where an answer has no room for its header, or a panic left it half written.
fn fit(ctx: &mut Ctx, written: Option<Result<(), NoRoom>>) {
    match written {
        Some(Ok(())) => {}
        Some(Err(no_room)) => ctx.fail(format!("ghost: {no_room}")),
        None => ctx.fail("ghost: panic, see the log"),
    }
}
