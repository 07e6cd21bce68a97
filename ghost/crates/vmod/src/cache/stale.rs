//! A stale object in the place of an error (RFC 5861 section 4).
//!
//! A miss remembers whether there is a stale object, and until when it may stand in. Where the fetch fails, or answers with
//! an error, the request is restarted, and its second lookup takes that object without asking the origin again. Requests that
//! waited for the fetch find the error in the cache for a second, and do the same.

use ghost_cache::cache_control::RequestDirectives;
use ghost_cache::lookup::Lookup;
use ghost_cache::reuse::is_error;
use varnish::ffi::vrt_ctx;

use super::lookup::{policy, CacheTask, Miss};
use super::now;
use super::object::Object;
use crate::message::Message;
use crate::method;
use crate::task::ClientTask;
use crate::task_state;

/// Remembers how the miss came about. Says whether the request must not go on: the client takes nothing that is not stored
/// (RFC 9111 section 5.2.1.7).
///
/// # Safety
/// `ctx` is the running client task's, in vcl_miss.
pub unsafe fn note_miss(ctx: &vrt_ctx) -> bool {
    // SAFETY: as promised; the request holds the stale object.
    let (task, stale, has_variants) = unsafe {
        let Some(task) = task_state::get::<ClientTask>(ctx) else { return false };
        let stale = Object::new((*ctx.req).wrk, (*ctx.req).stale_oc);
        (task, stale, (*(*ctx.req).wrk).strangelove > 0)
    };
    let Some((_, policy)) = policy(task) else { return false };
    let stale = stale.filter(|stale| !stale.is_marker());
    let until = match stale {
        Some(stale) => stale.stands_in_until(&policy.policy.freshness),
        None => task.cache.filter.hidden_until(),
    };
    task.cache.miss = Some(Miss { is_stale: stale.is_some(), has_variants, stands_in_until: until });
    is_only_if_cached(&task.cache)
}

fn is_only_if_cached(cache: &CacheTask) -> bool {
    matches!(cache.decision, Some(Lookup::Cache(RequestDirectives { only_if_cached: true, .. })))
}

/// Whether the answer is an error in whose place there is a stale object. The request gets that one where it is restarted.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_deliver or vcl_synth.
pub unsafe fn is_wanted(ctx: &vrt_ctx) -> bool {
    // SAFETY: as promised.
    let (task, resp) = unsafe { (task_state::get::<ClientTask>(ctx), Message::new(ctx.http_resp.0)) };
    let (Some(task), Some(resp)) = (task, resp) else { return false };
    let Some((_, policy)) = policy(task) else { return false };
    let CacheTask { miss, wants_stale, is_delivering, .. } = &task.cache;
    if *wants_stale || !is_error(resp.status()) {
        return false;
    }
    // SAFETY: as promised; the request holds its object.
    let is_hit = unsafe { (*ctx.req).is_hit() != 0 };
    let is_wanted = match (ctx.method, miss) {
        // What was asked for before an answer came is the task's own, or user VCL's.
        // Where no backend was to be asked, none has failed.
        (method::SYNTH, Some(miss)) => {
            !is_delivering && !is_only_if_cached(&task.cache) && miss.stands_in_until > now()
        }
        (method::DELIVER, Some(miss)) if !is_hit => miss.stands_in_until > now(),
        // An error that was stored for those who waited. Whether there is something better, the lookup will say.
        (method::DELIVER, _) if is_hit => policy.policy.freshness.stale_if_error_is_possible(),
        _ => false,
    };
    if is_wanted {
        task.cache.wants_stale = true;
    }
    is_wanted
}
