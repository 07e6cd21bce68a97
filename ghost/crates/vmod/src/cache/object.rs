//! Stored objects, as far as decisions look at them.

use std::ffi::{c_char, CStr};

use ghost_cache::freshness::{Freshness, Timing};
use ghost_cache::policy::FreshnessPolicy;
use ghost_cache::response::ResponseFields;
use ghost_config::CachePolicy;
use ghost_invalidation::{Generation, Label};
use ghost_route::Headers;
use varnish::ffi;

use super::whole;
use crate::message::Line;
use crate::rule_handle::RuleHandle;

/// The field in which an object says what it was stored by ([`Mark`]). It stands in the object and in no answer.
pub const GENERATION: &[u8] = b"X-Gateway-Generation";

/// What an object was stored by: how many invalidations there had been when its fetch began, and the number of the rule:
/// "5 17". In a zone, where other rules ask for it, also the rule's route and policies, and the fields of tags of the zone:
/// "5 17 r:web p:pages t:surrogate-key".
#[derive(Debug, Clone, Copy)]
pub struct Mark<'a>(&'a str);

const ROUTE: &str = "r:";
const POLICY: &str = "p:";
const TAGS: &str = "t:";

impl<'a> Mark<'a> {
    /// Reads the value of [`GENERATION`].
    pub fn read(value: &'a [u8]) -> Option<Self> {
        std::str::from_utf8(value).ok().map(Self)
    }

    /// What an object says that a rule stores now. `fields` are the fields of tags of the rule's zone, and `former` is the
    /// mark of the object that it takes over from (304): its fields of tags stay.
    pub fn write(
        generation: Generation,
        number: u64,
        rule: &RuleHandle,
        policy: &CachePolicy,
        fields: &[Box<[u8]>],
        former: Option<Mark<'_>>,
    ) -> String {
        let mut mark = format!("{} {number}", generation.0);
        if rule.zone().is_none() {
            return mark;
        }
        // Names have no space in them.
        let mut add = |kind: &str, name: &str| {
            if !mark.split(' ').any(|word| word.strip_prefix(kind) == Some(name)) {
                mark.extend([" ", kind, name]);
            }
        };
        add(ROUTE, rule.route_name());
        let own = policy.policies.iter().filter_map(|policy| policy.split_once('/'));
        own.filter(|(namespace, _)| *namespace == rule.namespace()).for_each(|(_, name)| add(POLICY, name));
        let own = policy.policy.storage.tags_header.as_ref();
        let fields = own.into_iter().chain(fields).map(|field| &**field);
        let fields = fields.chain(former.into_iter().flat_map(Mark::tags_fields));
        fields.filter_map(|field| std::str::from_utf8(field).ok()).for_each(|field| add(TAGS, field));
        mark
    }

    /// A number of it.
    fn number(self, index: usize) -> Option<u64> {
        self.0.split(' ').nth(index)?.parse().ok()
    }

    /// The fields that list the object's tags.
    pub fn tags_fields(self) -> impl Iterator<Item = &'a [u8]> {
        self.0.split(' ').filter_map(|word| word.strip_prefix(TAGS)).map(str::as_bytes)
    }

    /// By what else the object can be invalidated.
    pub fn labels(self) -> impl Iterator<Item = Label<'a>> {
        self.0.split(' ').filter_map(|word| {
            let route = word.strip_prefix(ROUTE).map(Label::Route);
            route.or_else(|| word.strip_prefix(POLICY).map(Label::Policy))
        })
    }
}

/// A stored object, lent for a moment.
#[derive(Clone, Copy)]
pub struct Object<'o> {
    worker: *mut ffi::worker,
    core: &'o ffi::objcore,
}

impl<'o> Object<'o> {
    /// The object; none for a null pointer.
    ///
    /// # Safety
    /// `worker` is the running one; `core` is null, or an object whose head was stored, and that stays for 'o: the caller has
    /// a reference, or the lock of its objhead.
    pub unsafe fn new(worker: *mut ffi::worker, core: *mut ffi::objcore) -> Option<Self> {
        // SAFETY: as promised.
        unsafe { core.as_ref() }.map(|core| Self { worker, core })
    }

    /// Whether it stands for answers that are not stored.
    pub fn is_marker(&self) -> bool {
        let flags = u32::from(self.core.flags);
        flags & (ffi::oc_flags_OC_F_HFM | ffi::oc_flags_OC_F_HFP) != 0
    }

    /// Its status.
    pub fn status(&self) -> u16 {
        // SAFETY: the worker is the running one, and the head is stored.
        unsafe { ffi::HTTP_GetStatusPack(self.worker, self.raw()) }
    }

    /// When its age was 0.
    pub fn origin(&self) -> f64 {
        self.core.t_origin.0
    }

    /// How long it is fresh from then on.
    pub fn ttl(&self) -> f64 {
        f64::from(self.core.ttl)
    }

    /// How long it may be served stale while a new one is fetched.
    pub fn grace(&self) -> f64 {
        f64::from(self.core.grace)
    }

    /// Until when it is fresh, in seconds since the epoch.
    pub fn fresh_until(&self) -> f64 {
        self.origin() + self.ttl()
    }

    /// Until when it may be served stale while a new one is fetched, in seconds since the epoch.
    pub fn graced_until(&self) -> f64 {
        self.fresh_until() + self.grace()
    }

    /// When it goes, in seconds since the epoch.
    pub fn end(&self) -> f64 {
        self.graced_until() + f64::from(self.core.keep)
    }

    /// What it was stored by; none where no policy has stored it.
    pub fn mark(&self) -> Option<Mark<'_>> {
        let (_, value) = self.lines().find(|(name, _)| name.eq_ignore_ascii_case(GENERATION))?;
        Mark::read(value)
    }

    /// The generation of its fetch; the first one where it has none.
    pub fn generation(&self) -> Generation {
        Generation(self.mark().and_then(|mark| mark.number(0)).unwrap_or(0))
    }

    /// The number of the rule that has stored it; none where no policy has.
    pub fn rule(&self) -> Option<u64> {
        self.mark()?.number(1)
    }

    /// Until when it may stand in for an error of the origin (RFC 5861 section 4), in seconds since the epoch.
    pub fn stands_in_until(&self, policy: &FreshnessPolicy) -> f64 {
        self.fresh_until() + f64::from(self.freshness(policy).stale_if_error.seconds)
    }

    /// What its fields say of its lifetime, by a policy.
    pub fn freshness(&self, policy: &FreshnessPolicy) -> Freshness {
        let received = whole(self.origin());
        let fields = ResponseFields::read(policy, self.status(), self, received);
        Freshness::of(policy, &fields, Timing::at(received))
    }

    /// Its address, which tells it from others as long as it is held.
    pub fn raw(&self) -> *mut ffi::objcore {
        std::ptr::from_ref(self.core).cast_mut()
    }
}

impl Headers for Object<'_> {
    fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut at: *const c_char = std::ptr::null();
        std::iter::from_fn(move || {
            // SAFETY: the head is stored as C strings one behind the other, which this walks.
            unsafe {
                (ffi::HTTP_IterHdrPack(self.worker, self.raw(), &raw mut at) != 0)
                    .then(|| CStr::from_ptr(at).to_bytes())
            }
        })
        .filter_map(|line| Line::new(line).split())
    }
}
