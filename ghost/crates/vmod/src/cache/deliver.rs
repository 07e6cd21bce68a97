//! What clients are told of the cache.

use ghost_cache::cache_status::{CacheStatus, Forward, Handling};
use ghost_cache::client_cache_control;
use ghost_cache::invalidation::{is_unsafe, Answered};
use ghost_cache::key::Text;
use ghost_cache::lookup::{Bypassed, Lookup};
use ghost_config::cache_policy::CacheStatus as Shown;
use varnish::ffi::{self, vrt_ctx};

use super::lookup::{write_key, CacheTask};
use super::object::{Mark, GENERATION};
use super::statistics::Handled;
use super::{invalidated, now, NAME};
use crate::kept;
use crate::message::{Message, NoRoom};
use crate::rule_handle::RuleHandle;
use crate::scheme;
use crate::task::ClientTask;

/// Writes what the policy of the request's rule says to an answer that is about to be delivered, and removes what only the
/// gateway should see. Errors where it has no room for what is added.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_deliver or vcl_synth, and `resp` its answer.
pub unsafe fn write(ctx: &vrt_ctx, task: &ClientTask, resp: &mut Message<'_>) -> Result<(), NoRoom> {
    // SAFETY: as promised.
    unsafe { restore(ctx, task, resp) };
    let Some(rule) = task.rule() else { return Ok(()) };
    // Other rules, or those of other listeners, can have stored what this one passes.
    // SAFETY: as promised.
    unsafe { invalidate_changed(ctx, rule, resp) };
    let Some(policy) = rule.cache_policy() else { return Ok(()) };
    if let Some(header) = &policy.policy.storage.tags_header {
        resp.remove(header);
    }
    // SAFETY: as promised.
    let (mut status, age, handled) = unsafe { status(ctx, &task.cache) };
    task.cache.handled.set(Some(handled));
    let is_stored = status.stored || status.collapsed || status.handling == Handling::Hit;
    if let Some(control) = client_cache_control::of(&policy.policy, resp.status(), is_stored) {
        for name in client_cache_control::REMOVED {
            resp.remove(name.as_bytes());
        }
        let mut value = String::new();
        // Writing to a String cannot fail.
        let _ = client_cache_control::write(control, age, &mut value);
        resp.set(b"Cache-Control", value.as_bytes())?;
    }
    if policy.policy.cache_status == Shown::Hidden {
        return Ok(());
    }
    let mut key = Vec::new();
    let is_looked_up = task.cache.miss.is_some() || status.collapsed || status.handling == Handling::Hit;
    if policy.policy.cache_status == Shown::WithKey && is_looked_up {
        // SAFETY: as promised.
        unsafe {
            if let Some(req) = Message::new((*ctx.req).http) {
                let selected = task.cache.selected(policy).unwrap_or_default();
                write_key(ctx, task, rule, policy, &req, selected, &mut Text(&mut key));
            }
        }
        status.key = Some(&key);
    }
    resp.add(b"Cache-Status", status.to_string().as_bytes())
}

/// Removes what only an object has, and gives the fields that were kept their own names again: Content-Range, unless a part
/// of the object gets one of its own, and what is for the client alone whose request was fetched for.
unsafe fn restore(ctx: &vrt_ctx, task: &ClientTask, resp: &mut Message<'_>) {
    let mark = resp.field(GENERATION).and_then(Mark::read);
    let tags: Vec<_> = mark.into_iter().flat_map(Mark::tags_fields).map(<[u8]>::to_vec).collect();
    // Those of the policy that has stored it, which need not be the request's.
    tags.iter().for_each(|field| resp.remove(field));
    let mut is_kept = false;
    resp.retain_quietly(|line| {
        is_kept |= line.begins_with(kept::PREFIX);
        !line.is(GENERATION)
    });
    if !is_kept {
        return;
    }
    // SAFETY: as promised by the caller of `write`.
    let (is_hit, is_part_wanted) = unsafe {
        let req = Message::new((*ctx.req).http);
        ((*ctx.req).is_hit() != 0, req.is_some_and(|req| req.field(b"range").is_some()))
    };
    let is_first = task.cache.miss.is_some() && !is_hit;
    resp.retain_quietly(|line| {
        !(line.is(kept::CONTENT_RANGE) && is_part_wanted) && (is_first || !line.begins_with(kept::ONCE))
    });
    resp.strip_prefix(kept::ONCE);
    resp.strip_prefix(kept::PREFIX);
}

/// Invalidates what a request of an unsafe method has changed (RFC 9111 section 4.4).
unsafe fn invalidate_changed(ctx: &vrt_ctx, rule: &RuleHandle, resp: &Message<'_>) {
    // SAFETY: as promised by the caller of `write`.
    let Some(req) = (unsafe { Message::new((*ctx.req).http) }) else { return };
    if !is_unsafe(req.method()) || !invalidated::are_there(rule) {
        return;
    }
    let host = req.field(b"host").unwrap_or_default();
    let answered = Answered {
        // SAFETY: as above.
        is_https: unsafe { scheme::is_https(ctx, &req) },
        host,
        method: req.method(),
        target: req.url(),
        status: resp.status(),
        response: resp,
    };
    for target in answered.invalidates() {
        invalidated::changed(rule, host, &target);
    }
}

/// What Cache-Status says, how old the answer is in seconds, and as what the request counts.
unsafe fn status<'a>(ctx: &vrt_ctx, cache: &CacheTask) -> (CacheStatus<'a>, u32, Handled) {
    // SAFETY: as promised by the caller of `write`: the request holds its object, if it has one.
    let (is_hit, is_hit_for_miss, object) = unsafe {
        let req = &*ctx.req;
        (req.is_hit() != 0, req.is_hitmiss() != 0, req.objcore.as_ref())
    };
    let now = now();
    let age = object.map_or(0.0, |object| (now - object.t_origin.0).max(0.0)) as u32;
    let left = object.map(|object| {
        let left = object.t_origin.0 + f64::from(object.ttl) - now;
        // What was invalidated softly has no time left, whatever it was given.
        if cache.filter.has_made_stale(object) {
            left.min(0.0)
        } else {
            left
        }
    });
    let ttl = left.map(|seconds| seconds.round() as i64);
    if is_hit && cache.filter.has_waited() {
        // It was forwarded together with the request whose answer it got (RFC 9211 section 2.6).
        let collapsed = CacheStatus { collapsed: true, ttl, ..CacheStatus::forward(NAME, Forward::Miss) };
        return (collapsed, age, Handled::Collapsed);
    }
    if is_hit {
        let handled = if left.is_some_and(|seconds| seconds <= 0.0) { Handled::Stale } else { Handled::Hit };
        return (CacheStatus { ttl, ..CacheStatus::hit(NAME, 0) }, age, handled);
    }
    let why = match (cache.miss, cache.decision) {
        (Some(miss), _) if miss.is_stale => Forward::Stale,
        (Some(miss), _) if miss.has_variants => Forward::VaryMiss,
        (Some(_), _) if cache.filter.has_refused() => Forward::Request,
        (Some(_), _) if is_hit_for_miss => Forward::Miss,
        (Some(_), _) => Forward::UriMiss,
        (None, Some(Lookup::Pass(Bypassed::Method))) => Forward::Method,
        (None, _) => Forward::Bypass,
    };
    let stored = object.filter(|object| {
        let transient = ffi::oc_flags_OC_F_PRIVATE | ffi::oc_flags_OC_F_HFM | ffi::oc_flags_OC_F_HFP;
        u32::from(object.flags) & transient == 0 && object.ttl > 0.0
    });
    let status = CacheStatus {
        handling: Handling::Forward(why),
        stored: stored.is_some(),
        ttl: ttl.filter(|_| stored.is_some()),
        ..CacheStatus::forward(NAME, why)
    };
    let handled = match cache.miss {
        Some(_) if is_hit_for_miss => Handled::HitForMiss,
        Some(_) => Handled::Miss,
        None => Handled::Pass,
    };
    (status, age, handled)
}
