//! Stored objects, as far as decisions look at them.

use std::ffi::{c_char, CStr};

use ghost_cache::freshness::{Freshness, Timing};
use ghost_cache::policy::FreshnessPolicy;
use ghost_cache::response::ResponseFields;
use ghost_invalidation::Generation;
use ghost_route::Headers;
use varnish::ffi;

use super::whole;
use crate::message::Line;

/// The field in which an object says how many invalidations there had been when its fetch began, and the number of the rule
/// that has stored it: "5 17". It stands in the object and in no answer.
pub const GENERATION: &[u8] = b"X-Gateway-Generation";

/// What [`GENERATION`] says of an object.
pub fn mark(generation: Generation, rule: u64) -> String {
    format!("{} {rule}", generation.0)
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

    /// When it goes, in seconds since the epoch.
    pub fn end(&self) -> f64 {
        self.origin() + self.ttl() + self.grace() + f64::from(self.core.keep)
    }

    /// The generation of its fetch; the first one where it has none.
    pub fn generation(&self) -> Generation {
        Generation(self.marked(0).unwrap_or(0))
    }

    /// The number of the rule that has stored it; none where no policy has.
    pub fn rule(&self) -> Option<u64> {
        self.marked(1)
    }

    /// A number of the mark.
    fn marked(&self, index: usize) -> Option<u64> {
        let (_, value) = self.lines().find(|(name, _)| name.eq_ignore_ascii_case(GENERATION))?;
        std::str::from_utf8(value).ok()?.split(' ').nth(index)?.parse().ok()
    }

    /// Until when it may stand in for an error of the origin (RFC 5861 section 4), in seconds since the epoch.
    pub fn stands_in_until(&self, policy: &FreshnessPolicy) -> f64 {
        self.origin() + self.ttl() + f64::from(self.freshness(policy).stale_if_error.seconds)
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
