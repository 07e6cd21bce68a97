//! The bound on a stored answer's size, where the answer does not say how long it is.
//!
//! Such an answer is stored while it comes, and given to all that wait for it. Once it is larger than its policy stores,
//! no lookup finds the object any more, as if it were banned; who gets it already gets the whole. It goes when the last of
//! them has got it, and a client that is alone gets the rest without storage ([`crate::fetch::rest`]). Its key is remembered ([`TooLarge`]), so that the next answer for it is not stored from the beginning,
//! and leaves a hit-for-miss.

use std::ffi::c_int;
use std::sync::LazyLock;

use ghost_cache::policy::Policy;
use ghost_cache::response::ResponseFields;
use varnish::ffi::{self, VslTag};

use super::now;
use super::too_large::{Digest, TooLarge};
use crate::counters::count;
use crate::director;
use crate::log;

static TOO_LARGE: LazyLock<TooLarge> = LazyLock::new(TooLarge::new);

/// How much of an answer of unknown length may come before it is given up to store it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// The most bytes that its body may have.
    max_size: u64,
    /// For how many seconds further answers are not stored.
    hit_for_miss: u32,
}

impl Bound {
    /// The bound of an answer that the policy stores; none where its length is known, or where there is no bound.
    pub fn of(policy: &Policy, fields: &ResponseFields<'_>) -> Option<Self> {
        let max_size = policy.storage.max_size.filter(|_| fields.content_length.is_none())?;
        Some(Self { max_size, hit_for_miss: policy.storage.hit_for_miss })
    }

    /// Whether the last answer for this key, too, did not say how long it was, and was too large.
    pub fn was_passed(digest: &Digest) -> bool {
        TOO_LARGE.has(digest, now())
    }

    /// Whether a body of which so many bytes have come is too large.
    pub fn is_passed(self, bytes: u64) -> bool {
        bytes > self.max_size
    }

    /// Gives up to store what is being fetched, if that was to be stored. Returns whether the object was killed: it has what
    /// those need who hold it, and nobody else can any more.
    ///
    /// # Safety
    /// `bo` is the running backend task's, which fetches a body.
    pub unsafe fn give_up(self, bo: *mut ffi::busyobj) -> bool {
        // SAFETY: as promised.
        let flags = u32::from(unsafe { (*(*bo).fetch_objcore).flags });
        let is_transient =
            flags & (ffi::oc_flags_OC_F_PRIVATE | ffi::oc_flags_OC_F_HFM | ffi::oc_flags_OC_F_HFP) != 0;
        if is_transient {
            return false;
        }
        let now = now();
        let hit_for_miss = f64::from(self.hit_for_miss);
        // SAFETY: as promised.
        TOO_LARGE.note(unsafe { &(*bo).digest }, now + hit_for_miss);
        // SAFETY: as promised. An object that is busy is seen by no lookup, and its flags are the task's; one that is not
        // has what expiry needs, and varnishd itself ends a fetch that fails in the middle of the body this way.
        unsafe {
            let core = (*bo).fetch_objcore;
            let is_busy = flags & ffi::oc_flags_OC_F_BUSY != 0;
            if is_busy {
                // It is not streamed. Nobody got it yet, so that it becomes a hit-for-miss itself.
                (*bo).set_uncacheable(1);
                (*core).flags |= ffi::oc_flags_OC_F_HFM as u8;
                (*core).ttl = (now - (*core).t_origin.0 + hit_for_miss) as f32;
                ((*core).grace, (*core).keep) = (0.0, 0.0);
                // varnishd asks nobody about a hit-for-miss, and takes care that it has no such flag.
                ObjSetFlag((*bo).wrk, core, ffi::obj_flags_OF_IMSCAND, 0);
            } else {
                HSH_Kill(core);
            }
            if let Some(rule) = director::rule((*bo).director_req) {
                rule.cache_counters().inspect(|counters| count(&counters.too_large));
            }
            log::line((*bo).vsl.as_mut_ptr(), VslTag::VclLog, "ghost_cache: pass size");
            !is_busy
        }
    }
}

extern "C" {
    // Exported by varnishd, but in no header that varnish-sys binds.
    fn HSH_Kill(core: *mut ffi::objcore);
    fn ObjSetFlag(worker: *mut ffi::worker, core: *mut ffi::objcore, flag: ffi::obj_flags, value: c_int);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_does_not_say_its_length_is_watched() {
        let fields = |headers: &[(&str, &str)], policy: &Policy| {
            let fields = ResponseFields::read(&policy.freshness, 200, headers, 0);
            Bound::of(policy, &fields)
        };
        let mut policy = Policy::default();
        assert_eq!(fields(&[], &policy), None, "there is no bound");
        policy.storage.max_size = Some(10);
        assert_eq!(fields(&[("Content-Length", "10")], &policy), None);
        let bound = fields(&[("Transfer-Encoding", "chunked")], &policy).expect("a bound");
        assert_eq!((bound.is_passed(10), bound.is_passed(11)), (false, true));
    }
}
