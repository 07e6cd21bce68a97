//! Whether a request is looked up in the cache, and by which key.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::Arc;

use ghost_cache::cache_control::RequestDirectives;
use ghost_cache::key::{self, Framed, Identity, Selected};
use ghost_cache::lookup::{self, Lookup};
use ghost_cache::selecting::{self, Field};
use ghost_cache::zone;
use ghost_config::CachePolicy;
use varnish::ffi::{vrt_ctx, VCL_BACKEND};

use super::candidates;
use super::statistics::Handled;
use crate::director;
use crate::kept;
use crate::message::{Message, NoRoom};
use crate::request_body;
use crate::rule_handle::RuleHandle;
use crate::scheme;
use crate::scratch::{self, Buffers};
use crate::task::{ClientTask, Outcome};
use crate::task_state;

/// What the cache remembers of a client's request.
#[derive(Default)]
pub struct CacheTask {
    /// Whether the request was to be looked up when that was last asked; none where no policy holds.
    pub decision: Option<Lookup>,
    /// What became one line in normal form, as it was before.
    pub put_in_form: Vec<Former>,
    /// What it selects of the policy's codings and languages; none where the policy tells none apart.
    pub selection: Option<Selection>,
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
    /// What became of the request, once that is known and not counted.
    pub handled: Cell<Option<Handled>>,
}

/// What a request selects, by what the client sent: before vcl_hash Varnish reduces Accept-Encoding to gzip or nothing.
pub struct Selection {
    policy: Arc<CachePolicy>,
    selected: Selected,
    /// Whether Varnish has left an Accept-Encoding; none before it has reduced it.
    is_gzip_left: Option<bool>,
    /// The Accept-Language in whose place the request has the selected one.
    replaced: Option<Replaced>,
}

/// The lines that the request had.
struct Replaced(Vec<Vec<u8>>);

/// The lines of a field that the request had.
pub struct Former {
    name: Vec<u8>,
    values: Vec<Vec<u8>>,
}

impl CacheTask {
    /// What the request selects by a policy.
    pub fn selected(&self, policy: &Arc<CachePolicy>) -> Option<Selected> {
        let selection = self.selection.as_ref()?;
        Arc::ptr_eq(&selection.policy, policy).then_some(selection.selected)
    }
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
            // SAFETY: as promised.
            let has_body = unsafe { request_body::is_to_be_sent(ctx.req) };
            Some(lookup::decide(&policy.policy, req.method(), has_body, &req))
        }
        _ => None,
    };
    task.cache.decision = decision;
    // SAFETY: as promised.
    unsafe { select(ctx, task) };
    matches!(decision, Some(Lookup::Cache(_)))
}

/// Notes what the request selects of the codings and languages of its policy.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_recv or vcl_synth.
pub unsafe fn select(ctx: &vrt_ctx, task: &mut ClientTask) {
    let Some((_, policy)) = policy(task) else { return };
    let key = &policy.policy.key;
    if key.codings.is_empty() && key.languages.is_none() {
        return;
    }
    // SAFETY: as promised.
    let Some(req) = (unsafe { Message::new(ctx.http_req.0) }) else { return };
    if let Some(known) = &task.cache.selection {
        // A restarted request has what Varnish left of it: that says less than the client did.
        let coding = req.field(b"accept-encoding");
        let is_coding_left = known.is_gzip_left.is_some_and(|is_gzip| coding == is_gzip.then_some(b"gzip"));
        let language = known.selected.accept_language(key).map(str::as_bytes);
        let is_language_left = language.is_none() || req.field(b"accept-language") == language;
        if is_coding_left && is_language_left && Arc::ptr_eq(&known.policy, policy) {
            return;
        }
    }
    let (policy, selected) = (Arc::clone(policy), Selected::of(key, &req));
    task.cache.selection = Some(Selection { policy, selected, is_gzip_left: None, replaced: None });
}

/// Makes the key of the request, once, and lets it say what it selects: Varnish makes a key for every request, also for one
/// that is passed or answered by itself. False for one without a policy. Errors where it has no room to say so.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_hash.
pub unsafe fn hash(ctx: &vrt_ctx) -> Result<bool, NoRoom> {
    // SAFETY: as promised.
    let (task, req) = unsafe { (task_of(ctx), Message::new(ctx.http_req.0)) };
    let (Some(task), Some(mut req)) = (task, req) else { return Ok(false) };
    let Some((rule, policy)) = policy(task) else { return Ok(false) };
    if task.cache.is_hashed {
        return Ok(true);
    }
    // Whatever the policy has decided, user VCL can still have the request looked up, and nothing here tells what it
    // returned: every request has its key.
    let (rule, policy) = (Arc::clone(rule), Arc::clone(policy));
    // A direct pass asks as its client does.
    if !task.direct {
        put_in_form(&policy, &mut req, &mut task.cache.put_in_form)?;
    }
    let selected = task.cache.selected(&policy).unwrap_or_else(|| Selected::of(&policy.policy.key, &req));
    // SAFETY: as promised; in vcl_hash, `specific` is the hash in the making.
    unsafe {
        let update = |bytes: &[u8]| VSHA256_Update(ctx.specific, bytes.as_ptr().cast(), bytes.len());
        write_key(ctx, task, &rule, &policy, &req, selected, &mut Framed(update));
    }
    let replaced = if task.direct { None } else { ask(&policy, selected, &mut req)? };
    if let Some(selection) = &mut task.cache.selection {
        selection.is_gzip_left = Some(req.field(b"accept-encoding").is_some());
        selection.replaced = replaced;
    }
    task.cache.is_hashed = true;
    let wishes = match task.cache.decision {
        Some(Lookup::Cache(wishes)) => wishes,
        _ => RequestDirectives::default(),
    };
    // SAFETY: as promised; the task outlives the lookup.
    unsafe { candidates::install(ctx, task, rule, policy, wishes) };
    Ok(true)
}

/// Gives a request the form by which Varnish compares it with what Vary names: the first line of a field, byte by byte.
fn put_in_form(policy: &CachePolicy, req: &mut Message<'_>, former: &mut Vec<Former>) -> Result<(), NoRoom> {
    for Field { name, value } in selecting::others(&policy.policy.key, req) {
        let values = req.values(&name).map(<[u8]>::to_vec).collect();
        req.set(&name, &value)?;
        former.push(Former { name, values });
    }
    Ok(())
}

/// Lets a request ask for what it selects, and nothing else: the answer is for all that select the same, and variants
/// are told apart by what is asked for.
fn ask(policy: &CachePolicy, selected: Selected, req: &mut Message<'_>) -> Result<Option<Replaced>, NoRoom> {
    let key = &policy.policy.key;
    let mut replaced = None;
    if let Some(language) = selected.accept_language(key) {
        let is_set = req.values(b"accept-language").eq([language.as_bytes()]);
        if !is_set {
            replaced = Some(Replaced(req.values(b"accept-language").map(<[u8]>::to_vec).collect()));
            req.set(b"Accept-Language", language.as_bytes())?;
        }
    }
    // Varnish asks for gzip by itself, and finds includes in nothing else.
    match selected.accept_encoding(key) {
        Some(coding) if coding != "gzip" && !policy.policy.storage.esi => {
            req.quietly(|req| req.set(kept::ACCEPT_ENCODING, coding.as_bytes()))?;
        }
        _ => {}
    }
    Ok(replaced)
}

/// Lets a request that is not for the cache ask for what its client does: vcl_hash runs for it, too. Errors where it
/// has no room for that.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_pass or vcl_pipe.
pub unsafe fn give_back(ctx: &vrt_ctx) -> Result<(), NoRoom> {
    // SAFETY: as promised; a piped request has a bereq.
    let (task, messages) = unsafe {
        let messages = [Message::new(ctx.http_req.0), Message::new(ctx.http_bereq.0)];
        (task_state::get::<ClientTask>(ctx), messages)
    };
    let Some(task) = task else { return Ok(()) };
    let former = std::mem::take(&mut task.cache.put_in_form);
    let selection = task.cache.selection.as_mut();
    let replaced = selection.map(|selection| selection.replaced.take());
    for mut message in messages.into_iter().flatten() {
        for Former { name, values } in &former {
            message.remove(name);
            values.iter().try_for_each(|value| message.add(name, value))?;
        }
        let Some(replaced) = &replaced else { continue };
        message.retain_quietly(|line| !line.is(kept::ACCEPT_ENCODING));
        if let Some(Replaced(values)) = replaced {
            message.remove(b"Accept-Language");
            for value in values {
                message.add(b"Accept-Language", value)?;
            }
        }
    }
    Ok(())
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
    task: &ClientTask,
    rule: &RuleHandle,
    policy: &CachePolicy,
    req: &Message<'_>,
    selected: Selected,
    sink: &mut impl key::Sink,
) {
    // SAFETY: as promised.
    let prefix = unsafe { prefix(ctx, task) };
    let identity = match rule.zone() {
        Some(zone) => Identity::Zone(zone.as_bytes()),
        None => Identity::Rule(rule.cache_identity().as_bytes()),
    };
    scratch::with(|buffers| {
        let Buffers { route, target, key: scratch, .. } = buffers;
        let target = match rule.zone() {
            Some(_) => zone::target(rule.rule(), prefix, req.url(), route, target),
            None => req.url(),
        };
        let request = key::Request {
            // SAFETY: as promised.
            is_https: unsafe { scheme::is_https(ctx, req) },
            host: req.field(b"host").unwrap_or_default(),
            target,
            headers: req,
        };
        key::write_selected(&policy.policy.key, identity, &request, selected, scratch, sink);
    });
}

/// What of the path makes the request fit the match of its rule; empty where that is no prefix.
///
/// # Safety
/// `ctx` is the running client task's.
unsafe fn prefix<'a>(ctx: &vrt_ctx, task: &'a ClientTask) -> &'a [u8] {
    // SAFETY: as promised; the request, or its task, holds the director.
    unsafe {
        match &task.outcome {
            Outcome::Forward { director, .. } => director::target(*director).prefix(),
            _ if director::is_ghost((*ctx.req).director_hint) => {
                director::target(VCL_BACKEND((*ctx.req).director_hint)).prefix()
            }
            _ => b"",
        }
    }
}

extern "C" {
    // What vcl_hash adds to the hash by; exported by varnishd, but in no header that varnish-sys binds.
    fn VSHA256_Update(hash: *mut c_void, data: *const c_void, length: usize);
}
