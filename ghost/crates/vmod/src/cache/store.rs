//! Whether the answer of a backend is stored, and for how long.

use std::ffi::c_int;
use std::sync::Arc;

use ghost_cache::freshness::Timing;
use ghost_cache::response::ResponseFields;
use ghost_cache::reuse::is_error;
use ghost_cache::storability::{self, Asked, Decision, Pass, Reason, Store};
use ghost_config::CachePolicy;
use varnish::ffi::{self, vrt_ctx, VslTag, VCL_BOOL, VCL_DURATION};

use super::object::{Mark, Object, GENERATION};
use super::{now, Bound};
use crate::backend_task::BackendTask;
use crate::counters::count;
use crate::director;
use crate::fetch;
use crate::gateway;
use crate::kept;
use crate::log;
use crate::message::{Message, NoRoom};
use crate::rule_handle::RuleHandle;
use crate::task_state;

/// The rule of a fetch that may be stored, and its policy; none for a pass, and where no policy holds.
///
/// # Safety
/// `ctx` is the running backend task's.
unsafe fn policy(ctx: &vrt_ctx) -> Option<(Arc<RuleHandle>, Arc<CachePolicy>)> {
    // SAFETY: as promised; the task holds its director.
    unsafe {
        if (*ctx.bo).uncacheable() != 0 {
            return None;
        }
        let rule = director::rule((*ctx.bo).director_req)?;
        let policy = Arc::clone(rule.cache_policy()?);
        Some((rule, policy))
    }
}

/// Decides about an answer, and sets the times of its object. Errors where it has no room for what ghost adds.
///
/// # Safety
/// `ctx` is the running backend task's, in vcl_backend_response.
pub unsafe fn decide(ctx: &vrt_ctx) -> Result<(), NoRoom> {
    // SAFETY: as promised.
    let Some((rule, policy)) = (unsafe { policy(ctx) }) else { return Ok(()) };
    // SAFETY: as promised: both messages are the task's.
    let (bereq, beresp) = unsafe { (Message::new(ctx.http_bereq.0), Message::new(ctx.http_beresp.0)) };
    let (Some(bereq), Some(mut beresp)) = (bereq, beresp) else { return Ok(()) };
    // What a stored response had for its own client a 304 has brought along.
    beresp.retain_quietly(|line| !line.begins_with(kept::ONCE));
    // SAFETY: as promised.
    let task = unsafe { task_state::get_or_new::<BackendTask>(ctx) };
    let received = now();
    let timing = Timing::of(task.requested.unwrap_or(received), received);
    let (decision, bound) = {
        let fields =
            ResponseFields::read(&policy.policy.freshness, beresp.status(), &beresp, timing.received);
        let mut decision =
            storability::decide(&policy.policy, Asked::read(bereq.method(), &bereq), &fields, timing);
        let bound = Bound::of(&policy.policy, &fields).filter(|_| matches!(decision, Decision::Store(_)));
        // SAFETY: as promised.
        let (is_304, digest) = unsafe { ((*ctx.bo).was_304() != 0, &(*ctx.bo).digest) };
        // A 304 has no body of its own.
        if bound.is_some() && !is_304 && Bound::was_passed(digest) {
            let hit_for_miss = policy.policy.storage.hit_for_miss;
            decision = Decision::Pass(Pass { reason: Reason::TooLarge, hit_for_miss });
        }
        task.withheld = match decision {
            Decision::Store(_) => fields.directives.withheld.clone(),
            Decision::Pass(_) => Vec::new(),
        };
        (decision, bound)
    };
    let number = rule.cache_counters().map_or(0, |counters| {
        // SAFETY: as promised.
        if unsafe { (*ctx.bo).was_304() } != 0 {
            count(&counters.revalidated);
        }
        if matches!(decision, Decision::Pass(Pass { reason: Reason::TooLarge, .. })) {
            count(&counters.too_large);
        }
        counters.number()
    });
    // SAFETY: as promised; nothing else refers to the object in the making.
    unsafe {
        include(&mut *ctx.bo, &policy, &beresp);
        let core = &mut *(*ctx.bo).fetch_objcore;
        match decision {
            Decision::Store(store) => {
                set_times(core, &store, received);
                keep_out(&mut beresp, task, &store)?;
                compress(&mut *ctx.bo, &policy, &beresp);
                if let Some(bound) = bound {
                    fetch::watch(&*ctx.bo, bound);
                }
                log::formatted(
                    (*ctx.bo).vsl.as_mut_ptr(),
                    VslTag::VclLog,
                    format_args!(
                        "ghost_cache: store ttl={} grace={} keep={}",
                        store.freshness.fresh_for(),
                        core.grace,
                        core.keep
                    ),
                );
            }
            Decision::Pass(pass) => {
                (core.ttl, core.grace, core.keep) = (0.0, 0.0, 0.0);
                task.not_stored = Some(pass);
                log::formatted(
                    (*ctx.bo).vsl.as_mut_ptr(),
                    VslTag::VclLog,
                    format_args!("ghost_cache: pass {}", pass.reason.name()),
                );
            }
        }
        // What a 304 confirms has brought its mark along.
        let former = beresp.field(GENERATION).filter(|_| (*ctx.bo).was_304() != 0).and_then(Mark::read);
        let running = gateway::running_now();
        let fields = rule.zone().zip(running.as_deref());
        let fields = fields.map_or(&[][..], |(zone, running)| running.tags_fields(zone));
        let mark = Mark::write(task.generation, number, &rule, &policy, fields, former);
        beresp.quietly(|beresp| beresp.set(GENERATION, mark.as_bytes()))
    }
}

/// The TTL in seconds of what is stored only to be asked about, or to stand in for an error. Varnish's lookup passes over
/// objects whose TTL is 0, as if they were not there.
const LEAST_TTL: f32 = 1e-6;

/// Times as Varnish keeps them: from when the answer's age was 0.
fn set_times(core: &mut ffi::objcore, store: &Store, received: f64) {
    let freshness = &store.freshness;
    let while_revalidate = freshness.stale_while_revalidate.seconds;
    // What may stand in for an error has to be there; what is kept for conditional requests, longer.
    let usable = while_revalidate.max(freshness.stale_if_error.seconds);
    let seconds = |seconds: u32| seconds as f32;
    core.t_origin = ffi::vtim_real(received - f64::from(freshness.age));
    core.ttl = seconds(freshness.lifetime.seconds).max(LEAST_TTL);
    core.grace = seconds(while_revalidate);
    core.keep = seconds(usable - while_revalidate) + seconds(freshness.keep.seconds);
}

/// Removes what must not be stored with the answer. Fields that are for the client whose request is fetched for get names
/// that only it is given back. Errors where there is no room for them.
fn keep_out(beresp: &mut Message<'_>, task: &BackendTask, store: &Store) -> Result<(), NoRoom> {
    // It is in the object's times, and a later 304 must not be taken to be as old.
    beresp.remove(b"Age");
    storability::NOT_STORED.iter().for_each(|name| beresp.remove(name.as_bytes()));
    if store.removes_set_cookie {
        beresp.remove(b"Set-Cookie");
    }
    task.withheld.iter().try_for_each(|name| beresp.prefix(kept::ONCE, name))
}

/// Lets Varnish carry out what the body includes, whether or not it is stored: no client can.
fn include(bo: &mut ffi::busyobj, policy: &CachePolicy, beresp: &Message<'_>) {
    if policy.policy.storage.esi && is_markup(&media(beresp)) {
        bo.set_do_esi(1);
    }
}

/// The media type of an answer, in lower case and without parameters (RFC 9110 section 8.3.1).
fn media(beresp: &Message<'_>) -> Vec<u8> {
    let content_type = beresp.field(b"content-type").unwrap_or_default();
    let media = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    media.trim_ascii().to_ascii_lowercase()
}

fn is_markup(media: &[u8]) -> bool {
    media.ends_with(b"html") || media.ends_with(b"xml")
}

/// Lets Varnish compress the body.
fn compress(bo: &mut ffi::busyobj, policy: &CachePolicy, beresp: &Message<'_>) {
    let storage = &policy.policy.storage;
    let media = media(beresp);
    const TEXTS: [&[u8]; 6] = [
        b"application/json",
        b"application/javascript",
        b"application/wasm",
        b"application/vnd.ms-fontobject",
        b"image/svg+xml",
        b"font/ttf",
    ];
    let is_text = is_markup(&media) || media.starts_with(b"text/") || media.ends_with(b"+json");
    let is_plain = beresp.field(b"content-encoding").is_none();
    // RFC 9110 section 7.7 forbids it for what says no-transform.
    let forbids = beresp.values(b"cache-control").any(|value| contains(value, b"no-transform"));
    if storage.compress && is_plain && !forbids && (is_text || TEXTS.contains(&&media[..])) {
        bo.set_do_gzip(1);
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

/// Whether the answer is an error in whose place a stale object is to be served.
///
/// # Safety
/// As for [`decide`].
pub unsafe fn keeps_stale(ctx: &vrt_ctx) -> bool {
    // SAFETY: as promised; the task holds the stale object.
    unsafe {
        let Some((_, policy)) = policy(ctx) else { return false };
        let Some(beresp) = Message::new(ctx.http_beresp.0) else { return false };
        let stale = Object::new((*ctx.bo).wrk, (*ctx.bo).stale_oc);
        let is_kept = |stale: Object<'_>| {
            // Nobody waits for what is fetched in the background: the object stays for as long as it is served.
            let is_served = (*ctx.bo).is_bgfetch() != 0 && stale.graced_until() > now();
            is_served || stale.stands_in_until(&policy.policy.freshness) > now()
        };
        // What marks answers that are not stored is none.
        is_error(beresp.status()) && stale.filter(|stale| !stale.is_marker()).is_some_and(is_kept)
    }
}

/// Whether a cache policy holds for the fetch. An answer for which neither it nor user VCL has a time becomes one that cannot
/// be cached, which is remembered so that requests for it do not wait for each other.
///
/// # Safety
/// As for [`decide`].
pub unsafe fn finish(ctx: &vrt_ctx) -> bool {
    // SAFETY: as promised.
    unsafe {
        if policy(ctx).is_none() {
            return false;
        }
        let core = &*(*ctx.bo).fetch_objcore;
        if core.ttl + core.grace + core.keep > 0.0 {
            return true;
        }
        let task = task_state::get::<BackendTask>(ctx);
        let pass = task.and_then(|task| task.not_stored.as_ref());
        if pass.is_some_and(|pass| pass.reason.is_of_the_request()) && (*ctx.bo).was_304() == 0 {
            keep_stale(&mut *ctx.bo);
        }
        let seconds = pass.map_or(0, |pass| pass.hit_for_miss);
        VRT_l_beresp_uncacheable(ctx, VCL_BOOL(1));
        VRT_l_beresp_ttl(ctx, VCL_DURATION(ffi::vtim_dur(f64::from(seconds))));
        true
    }
}

/// Lets a stale object stay where it is: Varnish removes what it has fetched anew, whether or not it stores the answer.
///
/// # Safety
/// `bo` is the running task's, whose answer is no 304: Varnish looks at the stale object no more than to remove it.
unsafe fn keep_stale(bo: &mut ffi::busyobj) {
    // SAFETY: as promised; the task has a reference to it.
    unsafe {
        if Object::new(bo.wrk, bo.stale_oc).is_some_and(|stale| !stale.is_marker()) {
            HSH_DerefObjCore(bo.wrk, &raw mut bo.stale_oc, 0);
        }
    }
}

extern "C" {
    // Exported by varnishd, but in no header that varnish-sys binds. It sets the pointer to null.
    fn HSH_DerefObjCore(worker: *mut ffi::worker, core: *mut *mut ffi::objcore, rush: c_int) -> c_int;
    // What VCL sets these by; exported by varnishd, but in no header that varnish-sys binds.
    fn VRT_l_beresp_uncacheable(ctx: *const vrt_ctx, value: VCL_BOOL);
    fn VRT_l_beresp_ttl(ctx: *const vrt_ctx, value: VCL_DURATION);
}
