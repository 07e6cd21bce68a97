//! How long an endpoint is avoided that cannot be connected to, and who tries whether it can be by now.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::atomic_instant::AtomicInstant;
use crate::settings::Settings;
use crate::splitmix::mix;

/// Whether and until when an endpoint is held down: longer each time, and cleared by the first connection.
#[derive(Debug)]
pub(crate) struct HoldDown {
    until: AtomicInstant,
    /// From when on it is tried nevertheless, where there is no other endpoint.
    early: AtomicInstant,
    /// How often in a row it was held down.
    times: AtomicU32,
    /// Whether a request tries just now whether the endpoint can be connected to.
    probing: AtomicBool,
}

/// What a hold-down says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Free,
    /// As the one that tries; [`HoldDown::end_probe`] must follow.
    Probe,
    Refused,
}

impl HoldDown {
    pub(crate) fn new(epoch: Instant) -> Self {
        HoldDown {
            until: AtomicInstant::none(epoch),
            early: AtomicInstant::none(epoch),
            times: AtomicU32::new(0),
            probing: AtomicBool::new(false),
        }
    }

    /// When the time has come, one request is let through; only once it has connected, or has held down
    /// again, are there others.
    pub(crate) fn admits(&self, now: Instant) -> Admission {
        if !self.until.is_set() {
            Admission::Free
        } else if self.until.left(now).is_none() && !self.probing.swap(true, Ordering::Relaxed) {
            Admission::Probe
        } else {
            Admission::Refused
        }
    }

    /// Whether one request may try before the time has come, as there is no other endpoint. As behind
    /// [`Admission::Probe`], [`end_probe`](Self::end_probe) must follow.
    pub(crate) fn admits_early(&self, now: Instant) -> bool {
        self.early.left(now).is_none() && !self.probing.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn end_probe(&self) {
        self.probing.store(false, Ordering::Relaxed);
    }

    /// Takes account of a failure. Of those that come together, the first one counts.
    pub(crate) fn fail(&self, settings: &Settings, now: Instant) {
        self.early.set(now + settings.hold_down_all);
        if self.until.left(now).is_none() {
            let times = self.times.fetch_add(1, Ordering::Relaxed);
            self.until.set(now + time(times, settings, self.until.entropy(now)));
        }
    }

    /// Takes account of a connection.
    pub(crate) fn clear(&self) {
        if self.until.is_set() {
            self.times.store(0, Ordering::Relaxed);
            self.until.clear();
        }
    }

    /// How much longer it lasts, zero for as long as a request tries; none where there is no hold-down.
    pub(crate) fn left(&self, now: Instant) -> Option<Duration> {
        let is_probed = || self.probing.load(Ordering::Relaxed) && self.until.is_set();
        self.until.left(now).or_else(|| is_probed().then_some(Duration::ZERO))
    }
}

/// How long a hold-down lasts behind so many others: twice as long each time up to the longest, and by up to
/// a quarter less, so that gateways do not try all at once.
fn time(times: u32, settings: &Settings, entropy: u64) -> Duration {
    let doubled = settings.hold_down.saturating_mul(1 << times.min(16));
    let full = doubled.min(settings.hold_down_max);
    full - full.mul_f64(0.25 * (mix(entropy) as f64 / u64::MAX as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn held_down(now: Instant) -> (HoldDown, Settings) {
        let (hold, settings) = (HoldDown::new(now), Settings::default());
        hold.fail(&settings, now);
        (hold, settings)
    }

    #[test]
    fn an_endpoint_is_avoided_for_a_time_and_then_tried_by_one_request_at_a_time() {
        let start = Instant::now();
        assert_eq!(HoldDown::new(start).admits(start), Admission::Free);
        let (hold, _) = held_down(start);
        assert_eq!(hold.admits(start), Admission::Refused);
        let left = hold.left(start).expect("a hold-down");
        let over = start + left;
        assert_eq!(hold.admits(over - Duration::from_nanos(1)), Admission::Refused);
        assert_eq!(hold.left(over), None);
        assert_eq!(hold.admits(over), Admission::Probe);
        assert_eq!(hold.admits(over + 100 * SECOND), Admission::Refused, "only one tries");
        assert_eq!(hold.left(over), Some(Duration::ZERO));
        hold.end_probe();
        assert_eq!(hold.admits(over), Admission::Probe, "that one came to nothing");
        hold.clear();
        assert_eq!((hold.admits(over), hold.left(over)), (Admission::Free, None));
    }

    #[test]
    fn each_failed_probe_makes_it_last_longer_up_to_the_longest_time() {
        let (hold, settings) = held_down(Instant::now());
        let mut now = Instant::now();
        for want in [1, 2, 4, 8, 16, 30, 30, 30] {
            let left = hold.left(now).expect("a hold-down");
            let want = want * SECOND;
            assert!(left <= want && left >= want * 3 / 4 - SECOND / 10, "{left:?} of {want:?}");
            now += left;
            assert_eq!(hold.admits(now), Admission::Probe);
            hold.fail(&settings, now);
            hold.end_probe();
        }
        hold.clear();
        hold.fail(&settings, now);
        assert!(hold.left(now).expect("a hold-down") <= SECOND, "a connection forgives all");
    }

    #[test]
    fn without_another_endpoint_one_request_tries_some_seconds_behind_the_last_failure() {
        let (hold, settings) = held_down(Instant::now());
        let mut now = Instant::now();
        for _ in 0..6 {
            now += hold.left(now).expect("a hold-down");
            hold.fail(&settings, now);
        }
        let left = hold.left(now).expect("a hold-down");
        assert!(left > 2 * settings.hold_down_all, "{left:?}");
        assert!(!hold.admits_early(now + settings.hold_down_all - SECOND));
        now += settings.hold_down_all;
        assert!(hold.admits_early(now));
        assert!(!hold.admits_early(now), "only one tries");
        hold.fail(&settings, now);
        hold.end_probe();
        assert!(!hold.admits_early(now), "it failed just now");
        assert!(hold.admits_early(now + settings.hold_down_all));
    }

    #[test]
    fn failures_that_come_together_count_once() {
        let now = Instant::now();
        let (hold, settings) = held_down(now);
        for _ in 0..100 {
            hold.fail(&settings, now);
        }
        assert!(hold.left(now).expect("a hold-down") <= SECOND);
    }

    #[test]
    fn gateways_do_not_try_all_at_once() {
        let settings = Settings::default();
        let times: std::collections::HashSet<_> = (0..100).map(|seed| time(5, &settings, seed)).collect();
        assert!(times.len() > 90 && times.iter().all(|time| (22 * SECOND..=30 * SECOND).contains(time)));
        assert!(time(u32::MAX, &settings, 0) <= settings.hold_down_max);
    }
}
