//! A point in time that many threads share without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A point in time, or none. It orders nothing else between threads.
#[derive(Debug)]
pub(crate) struct AtomicInstant {
    epoch: Instant,
    /// Nanoseconds since the epoch, and one; 0 for none.
    nanos: AtomicU64,
}

impl AtomicInstant {
    /// None, of a clock that begins at `epoch`: no earlier point in time can be told from it.
    pub(crate) fn none(epoch: Instant) -> Self {
        AtomicInstant { epoch, nanos: AtomicU64::new(0) }
    }

    pub(crate) fn set(&self, at: Instant) {
        self.nanos.store(self.since(at), Ordering::Relaxed);
    }

    /// Sets it to none.
    pub(crate) fn clear(&self) {
        // Most often it is none already; other processors keep their copies then.
        if self.is_set() {
            self.nanos.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        self.nanos.load(Ordering::Relaxed) != 0
    }

    /// How long it is until then; none where that time has come, or nothing is set.
    pub(crate) fn left(&self, now: Instant) -> Option<Duration> {
        let left = self.nanos.load(Ordering::Relaxed).checked_sub(self.since(now))?;
        (left > 0).then(|| Duration::from_nanos(left))
    }

    /// A number that differs from one call to the next, by the clock alone.
    pub(crate) fn entropy(&self, now: Instant) -> u64 {
        self.since(now)
    }

    fn since(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.epoch).as_nanos();
        u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_none_until_it_is_set_and_passes() {
        let start = Instant::now();
        let instant = AtomicInstant::none(start);
        assert_eq!((instant.is_set(), instant.left(start)), (false, None));
        instant.set(start + Duration::from_secs(2));
        assert_eq!(instant.left(start + Duration::from_secs(1)), Some(Duration::from_secs(1)));
        assert_eq!(instant.left(start + Duration::from_secs(2)), None);
        assert!(instant.is_set());
        instant.clear();
        assert!(!instant.is_set());
    }
}
