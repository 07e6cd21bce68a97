//! Whether a request is looked up in the cache, and by which key.

use std::ffi::c_void;
use std::sync::Arc;

use ghost_cache::cache_control::RequestDirectives;
use ghost_cache::key::{self, Framed, Identity};
use ghost_cache::lookup::{self, Lookup};
use ghost_config::CachePolicy;
use varnish::ffi::vrt_ctx;

use super::candidates;
use crate::director;
use crate::message::Message;
use crate::rule_handle::RuleHandle;
use crate::scratch;
use crate::socket;
use crate::task::{ClientTask, Outcome};
use crate::task_state;

/// What the cache remembers of a client's request.
#[derive(Default)]
pub struct CacheTask {
    /// Whether the request was to be looked up when that was last asked; none where no policy holds.
    pub decision: Option<Lookup>,
    /// Whether its key was made.
    pub is_hashed: bool,
    /// What becomes of objects with its key.
    pub filter: candidates::Filter,
    /// How a miss came about.
    pub miss: Option<Miss>,
    /// Whether a stale object is wanted in the place of an error.
    pub wants_stale: bool,
    /// Whether an answer to the request was handed to vcl_deliver.
    pub is_delivering: bool,
}

/// How a miss came about.
#[derive(Debug, Clone, Copy)]
pub struct Miss {
    /// Whether there is a stale object.
    pub is_stale: bool,
    /// Whether there are objects of other variants.
    pub has_variants: bool,
    /// Until when the stale object may stand in for an error, in seconds since the epoch.
    pub stands_in_until: f64,
}

/// The cache policy of a request that goes to backends.
pub fn policy(task: &ClientTask) -> Option<(&Arc<RuleHandle>, &Arc<CachePolicy>)> {
    let rule = task.rule()?;
    Some((rule, rule.cache_policy()?))
}

/// Decides whether the request is looked up, as it is now. False for one without a policy.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_recv.
pub unsafe fn decide(ctx: &vrt_ctx, task: &mut ClientTask) -> bool {
    // SAFETY: as promised.
    let req = unsafe { Message::new(ctx.http_req.0) };
    let decision = match (&task.outcome, policy(task), req) {
        (Outcome::Forward { .. }, Some((_, policy)), Some(req)) => {
            Some(lookup::decide(&policy.policy, req.method(), &req))
        }
        _ => None,
    };
    task.cache.decision = decision;
    matches!(decision, Some(Lookup::Cache(_)))
}

/// Makes the key of the request, once. False for one without a policy.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_hash.
pub unsafe fn hash(ctx: &vrt_ctx) -> bool {
    // SAFETY: as promised.
    let (task, req) = unsafe { (task_of(ctx), Message::new(ctx.http_req.0)) };
    let (Some(task), Some(req)) = (task, req) else { return false };
    let Some((rule, policy)) = policy(task) else { return false };
    if task.cache.is_hashed {
        return true;
    }
    let (rule, policy) = (Arc::clone(rule), Arc::clone(policy));
    // SAFETY: as promised; in vcl_hash, `specific` is the hash in the making.
    unsafe {
        let update = |bytes: &[u8]| VSHA256_Update(ctx.specific, bytes.as_ptr().cast(), bytes.len());
        write_key(ctx, &rule, &policy, &req, &mut Framed(update));
    }
    task.cache.is_hashed = true;
    let wishes = match task.cache.decision {
        Some(Lookup::Cache(wishes)) => wishes,
        _ => RequestDirectives::default(),
    };
    // SAFETY: as promised; the task outlives the lookup.
    unsafe { candidates::install(ctx, task, rule, policy, wishes) };
    true
}

/// The state of the request. Where user VCL has rolled it back since vcl_recv, the director that it has kept knows its rule.
unsafe fn task_of<'a>(ctx: &vrt_ctx) -> Option<&'a mut ClientTask> {
    // SAFETY: as promised by the caller of `hash`; the request holds the director.
    unsafe {
        if let Some(task) = task_state::get::<ClientTask>(ctx) {
            return Some(task);
        }
        let rule = director::rule((*ctx.req).director_hint)?;
        rule.cache_policy()?;
        let task = task_state::get_or_new::<ClientTask>(ctx);
        task.rule = Some(rule);
        Some(task)
    }
}

/// Writes the key of a request.
///
/// # Safety
/// `ctx` is the running client task's.
pub unsafe fn write_key(
    ctx: &vrt_ctx,
    rule: &RuleHandle,
    policy: &CachePolicy,
    req: &Message<'_>,
    sink: &mut impl key::Sink,
) {
    let identity = match &policy.zone {
        Some(zone) => Identity::Zone(zone.as_bytes()),
        None => Identity::Rule(rule.rule().id.as_bytes()),
    };
    let request = key::Request {
        // SAFETY: as promised.
        is_https: unsafe { socket::name(ctx) }.starts_with(b"https-"),
        host: req.field(b"host").unwrap_or_default(),
        target: req.url(),
        headers: req,
    };
    scratch::with(|buffers| key::write(&policy.policy.key, identity, &request, &mut buffers.key, sink));
}

extern "C" {
    // What vcl_hash adds to the hash by; exported by varnishd, but in no header that varnish-sys binds.
    fn VSHA256_Update(hash: *mut c_void, data: *const c_void, length: usize);
}
