//! Which of the objects with the key of a request may answer it.
//!
//! Varnish asks a function of the request's for each object that it finds, and once more at the end
//! (`struct vcf` in cache_varnishd.h, "at your peril"). It does so under the lock of the objects' head, so nothing here
//! waits for I/O, and what is most often asked does not allocate. Lifetimes are read again from an object's fields, which
//! can allocate, only where a stale object may take the place of an error, and where the client says max-stale.

use std::ffi::{c_int, c_uint, c_void};
use std::ptr;
use std::sync::Arc;

use ghost_cache::cache_control::RequestDirectives;
use ghost_cache::freshness::StaleRule;
use ghost_cache::reuse::{is_error, Candidate, NotReused, Reuse};
use ghost_config::CachePolicy;
use ghost_invalidation::Stamp;
use varnish::ffi::{self, vrt_ctx};

use super::invalidated;
use super::object::Object;
use crate::boundary::caught;
use crate::rule_handle::RuleHandle;
use crate::task::ClientTask;

/// `struct vcf` of varnishd, with what it decides by.
#[repr(C)]
pub struct Filter {
    magic: c_uint,
    function: Option<Function>,
    private: *mut c_void,
    state: Option<State>,
}

impl Default for Filter {
    fn default() -> Self {
        Self { magic: MAGIC, function: Some(choose), private: ptr::null_mut(), state: None }
    }
}

struct State {
    rule: Arc<RuleHandle>,
    policy: Arc<CachePolicy>,
    wishes: RequestDirectives,
    /// What was invalidated, whatever the tags.
    stamp: Stamp,
    /// Whether a stale object is wanted in the place of an error.
    wants_stale: bool,
    /// The error that it is wanted in the place of, if that is among the objects of this round.
    error: Option<*mut ffi::objcore>,
    /// The newest marker of answers that are not stored, if that is among the objects of this round.
    marker: Option<Marker>,
    /// Until when an object may stand in for an error in whose place the marker was found, in seconds since the epoch.
    hidden_until: f64,
    /// The stale object that a soft invalidation made stale, if it is that.
    made_stale: Option<*mut ffi::objcore>,
    /// Whether an object was not taken because of what the client wishes.
    has_refused: bool,
    /// How often the objects were looked at: more than once where the request waited for another one's answer.
    rounds: u32,
}

/// An object that stands for answers that are not stored.
#[derive(Clone, Copy)]
struct Marker {
    core: *mut ffi::objcore,
    /// Whether an object that is stale by now was stored after it.
    is_outdated: bool,
}

const MAGIC: c_uint = 0x1832_85d1;

type Function = unsafe extern "C" fn(
    *mut ffi::req,
    *mut *mut ffi::objcore,
    *mut *mut ffi::objcore,
    c_int,
) -> *const Answer;

/// `struct vcf_return` of varnishd.
#[repr(C)]
pub struct Answer([u8; 0]);

/// When varnishd asks.
mod phase {
    use std::ffi::c_int;

    pub const OBJECT: c_int = 0;
    pub const END: c_int = 1;
}

/// Lets the lookup of this request ask.
///
/// # Safety
/// `ctx` is the running client task's, in vcl_hash, and `task` its state.
pub unsafe fn install(
    ctx: &vrt_ctx,
    task: &mut ClientTask,
    rule: Arc<RuleHandle>,
    policy: Arc<CachePolicy>,
    wishes: RequestDirectives,
) {
    // SAFETY: as promised.
    let stamp = unsafe { invalidated::stamp(ctx, &rule, &policy) };
    let cache = &mut task.cache;
    cache.filter.state = Some(State {
        rule,
        policy,
        wishes,
        stamp,
        wants_stale: cache.wants_stale,
        error: None,
        marker: None,
        hidden_until: 0.0,
        made_stale: None,
        has_refused: false,
        rounds: 0,
    });
    // SAFETY: as promised: Varnish forgets the filter at the end of the lookup, or with the request, and the task's state
    // stays where it is until then.
    unsafe { (*ctx.req).vcf = (&raw mut cache.filter).cast() };
}

impl Filter {
    /// Lets the request not ask any more.
    ///
    /// # Safety
    /// `ctx` is the task's that it was installed in, if it was.
    pub unsafe fn remove(&mut self, ctx: &vrt_ctx) {
        // SAFETY: as promised.
        if let Some(req) = unsafe { ctx.req.as_mut() } {
            if ptr::eq(req.vcf.cast(), self) {
                req.vcf = ptr::null_mut();
            }
        }
    }

    /// Whether the request waited for the answer to another one.
    pub fn has_waited(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.rounds > 1)
    }

    /// Whether the lookup found this object to be stale because a soft invalidation says so.
    pub fn has_made_stale(&self, core: *const ffi::objcore) -> bool {
        self.state.as_ref().and_then(|state| state.made_stale).is_some_and(|made| ptr::eq(made, core))
    }

    /// Until when the stale object behind a marker may stand in for an error, in seconds since the epoch; 0 where there is none.
    pub fn hidden_until(&self) -> f64 {
        self.state.as_ref().map_or(0.0, |state| state.hidden_until)
    }

    /// Whether there was an object that the client's wishes kept from being taken.
    pub fn has_refused(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.has_refused)
    }
}

enum Verdict {
    /// As Varnish does.
    Default,
    /// Not this object.
    Continue,
    /// This object, as it is.
    Hit,
}

unsafe extern "C" fn choose(
    req: *mut ffi::req,
    object: *mut *mut ffi::objcore,
    stale: *mut *mut ffi::objcore,
    phase: c_int,
) -> *const Answer {
    // SAFETY: varnishd calls this with the request whose filter was installed, and, while it looks, with the places of
    // the object at hand and of the stale one that it would use.
    let verdict = caught(|| unsafe {
        let filter = &mut *(*req).vcf.cast::<Filter>();
        let Some(state) = &mut filter.state else { return Verdict::Default };
        match phase {
            phase::OBJECT => state.judge(&*req, *object, &mut *stale),
            phase::END => {
                state.end(&*req, &mut *object, *stale);
                Verdict::Default
            }
            _ => Verdict::Default,
        }
    });
    match verdict {
        Some(Verdict::Continue) => &raw const VCF_CONTINUE,
        Some(Verdict::Hit) => &raw const VCF_HIT,
        // What panicked is logged; the object is judged as Varnish does.
        Some(Verdict::Default) | None => &raw const VCF_DEFAULT,
    }
}

impl State {
    unsafe fn judge(
        &mut self,
        req: &ffi::req,
        core: *mut ffi::objcore,
        stale: &mut *mut ffi::objcore,
    ) -> Verdict {
        // SAFETY: the object is held by the lock, and stored: varnishd skips busy ones before it asks.
        let Some(object) = (unsafe { Object::new(req.wrk, core) }) else { return Verdict::Default };
        if object.is_marker() {
            // Behind it there may be an object that answers: what was not stored says nothing of what was. The newest
            // comes first, and one that has ended says nothing any more.
            if self.marker.is_none() && object.fresh_until() > req.t_req.0 {
                self.marker = Some(Marker { core, is_outdated: !stale.is_null() });
            }
            return Verdict::Continue;
        }
        if self.wants_stale && is_error(object.status()) {
            // The newest comes first.
            self.error.get_or_insert(core);
            return Verdict::Continue;
        }
        if invalidated::is_any() {
            let generation = object.generation();
            let stamp = self.stamp.and(invalidated::of_object(&self.rule, &self.policy, &object, generation));
            if stamp.removes(generation) {
                // SAFETY: as varnishd itself does with an object that is banned, under the same lock.
                unsafe {
                    (*core).flags |= ffi::oc_flags_OC_F_DYING as u8;
                    EXP_Remove(core, ptr::null());
                }
                return Verdict::Continue;
            }
            if stamp.makes_stale(generation) {
                if note_stale(&object, stale, req.wrk) {
                    self.made_stale = Some(core);
                }
                return Verdict::Continue;
            }
        }
        self.by_wishes(req, &object)
    }

    /// What the client asks of an object (RFC 9111 section 5.2.1), where the policy heeds it.
    fn by_wishes(&mut self, req: &ffi::req, object: &Object<'_>) -> Verdict {
        if self.wishes == RequestDirectives::default() {
            return Verdict::Default;
        }
        let seconds = |time: f64| time.max(0.0) as u32;
        let may_be_stale = || {
            let rule = object.freshness(&self.policy.policy.freshness).stale_while_revalidate.rule;
            !matches!(rule, StaleRule::Forbidden(_))
        };
        let candidate = Candidate {
            age: seconds(req.t_req.0 - object.origin()),
            lifetime: seconds(object.ttl()),
            stale_while_revalidate: seconds(object.grace()),
            stale_if_error: 0,
            may_be_stale: self.wishes.max_stale.is_some() && may_be_stale(),
        };
        // What was made since the request came has been asked of the origin: those who wait for it need not ask in turn.
        let is_new = self.rounds > 0 && object.origin() >= req.t_req.0;
        let wishes = RequestDirectives { no_cache: self.wishes.no_cache && !is_new, ..self.wishes };
        let reuse = candidate.answers(&wishes);
        self.has_refused |= matches!(reuse, Reuse::Revalidate(why) if why != NotReused::Stale);
        match reuse {
            Reuse::Fresh | Reuse::MaxStale => Verdict::Hit,
            Reuse::WhileRevalidate => Verdict::Default,
            // What Varnish would not serve can still be asked about, and take the place of an error.
            Reuse::Revalidate(_) if object.graced_until() < req.t_req.0 => Verdict::Default,
            Reuse::Revalidate(_) => Verdict::Continue,
        }
    }

    /// Puts a stale object in the place of an error, and a marker in the place of none that is fresh. What is put there was
    /// passed over in this round, and the lock was held since.
    unsafe fn end(&mut self, req: &ffi::req, found: &mut *mut ffi::objcore, stale: *mut ffi::objcore) {
        self.rounds += 1;
        let (error, marker) = (self.error.take(), self.marker.take());
        self.hidden_until = 0.0;
        if !found.is_null() {
            return;
        }
        // SAFETY: as for `judge`.
        let object = unsafe { Object::new(req.wrk, stale) };
        let freshness = &self.policy.policy.freshness;
        if self.wants_stale {
            let stands_in = |object: &Object<'_>| object.stands_in_until(freshness) > req.t_req.0;
            *found = match (object.filter(stands_in), error) {
                (Some(object), _) => object.raw(),
                // Nothing is better than the error.
                (None, Some(error)) => error,
                (None, None) => ptr::null_mut(),
            };
        }
        let Some(marker) = marker.filter(|_| found.is_null()) else { return };
        let is_graced = |object: &Object<'_>| object.graced_until() >= req.t_req.0;
        if marker.is_outdated && object.as_ref().is_some_and(is_graced) {
            // Varnish serves that one while it asks, and nobody waits.
            return;
        }
        *found = marker.core;
        if freshness.stale_if_error_is_possible() {
            self.hidden_until = object.map_or(0.0, |object| object.stands_in_until(freshness));
        }
    }
}

/// Lets varnishd take an object for the stale one, if it is the newest: then it is true.
fn note_stale(object: &Object<'_>, stale: &mut *mut ffi::objcore, worker: *mut ffi::worker) -> bool {
    // SAFETY: what varnishd has found before is held by the same lock.
    let known = unsafe { Object::new(worker, *stale) };
    let is_newest = known.is_none_or(|known| known.origin() < object.origin());
    if is_newest {
        *stale = object.raw();
    }
    is_newest
}

extern "C" {
    static VCF_CONTINUE: Answer;
    static VCF_DEFAULT: Answer;
    static VCF_HIT: Answer;

    // Exported by varnishd, but in no header that varnish-sys binds.
    fn EXP_Remove(core: *mut ffi::objcore, new: *const ffi::objcore);
}
