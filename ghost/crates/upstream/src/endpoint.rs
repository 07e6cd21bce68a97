//! One endpoint of a service: its connections, its requests in flight, and whether it is held down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::counters::Counter;
use crate::dial::Dial;
use crate::pool::{Last, Pool};
use crate::settings::Settings;

/// An address of a service. It lives as long as the service has it, or a request to it is in flight.
#[derive(Debug)]
pub struct Endpoint {
    dial: Dial,
    settings: Arc<Settings>,
    pool: Pool,
    in_flight: AtomicUsize,
    hold: HoldDown,
    /// Whether it has left its service, and only finishes what is in flight.
    draining: AtomicBool,
    requests: Counter,
    connect_failures: Counter,
}

impl Endpoint {
    pub(crate) fn new(dial: Dial, settings: Arc<Settings>, now: Instant) -> Self {
        Endpoint {
            pool: Pool::new(&settings),
            in_flight: AtomicUsize::new(0),
            hold: HoldDown::new(now),
            draining: AtomicBool::new(false),
            requests: Counter::default(),
            connect_failures: Counter::default(),
            dial,
            settings,
        }
    }

    /// How it is reached.
    pub fn dial(&self) -> &Dial {
        &self.dial
    }

    /// How many requests are in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How many connections wait for a request.
    pub fn idle(&self) -> usize {
        self.pool.len()
    }

    /// How much longer it is avoided after a failure to connect; none where it is not.
    pub fn held_down(&self, now: Instant) -> Option<Duration> {
        self.hold.left(now)
    }

    /// Whether it has left its service, and only finishes what is in flight.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// How many requests it was given since it came.
    pub fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// How often it could not be connected to since it came.
    pub fn connect_failures(&self) -> u64 {
        self.connect_failures.get()
    }

    /// Whether a request may be tried here, as far as hold-down goes.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        self.hold.admits(now, self.settings.hold_down)
    }

    /// A place for one request; none where it has its limit in flight.
    pub(crate) fn lease(self: &Arc<Self>) -> Option<Lease> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let lease = Lease { endpoint: Arc::clone(self) };
        (before < self.settings.max_in_flight).then_some(lease)
    }

    /// Lets it leave its service: what is idle is closed, what is in flight finishes.
    pub(crate) fn leave(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.pool.close();
    }

    /// Lets it come back before its last request had finished.
    pub(crate) fn come_back(&self) {
        self.draining.store(false, Ordering::Relaxed);
        self.pool.reopen();
    }

    pub(crate) fn reap(&self, now: Instant) {
        self.pool.reap(now);
    }
}

/// The place of one request among those in flight at an endpoint.
#[derive(Debug)]
pub(crate) struct Lease {
    endpoint: Arc<Endpoint>,
}

impl Lease {
    pub(crate) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// An idle connection, if there is one that can be used.
    pub(crate) fn take_idle(&self, look: bool, now: Instant) -> Option<Connection> {
        self.endpoint.pool.take(look, &self.endpoint.settings, now)
    }

    /// Keeps a connection for the next request. Returns whether it is kept.
    pub(crate) fn give_idle(&self, connection: Connection, last: Last) -> bool {
        let endpoint = &self.endpoint;
        endpoint.pool.give(connection, last, &endpoint.settings, Instant::now())
    }

    pub(crate) fn count_request(&self) {
        self.endpoint.requests.add();
    }

    /// Takes account of a sign of life.
    pub(crate) fn connected(&self) {
        self.endpoint.hold.clear();
    }

    /// Takes account of a connection that could not be opened, by the endpoint's fault.
    pub(crate) fn connect_failed(&self, now: Instant) {
        self.endpoint.connect_failures.add();
        self.endpoint.hold.hold(now, self.endpoint.settings.hold_down);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.endpoint.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Until when an endpoint is avoided. When that time has come, one request is let through; only if it
/// connects, or holds down again, are the others told.
#[derive(Debug)]
struct HoldDown {
    epoch: Instant,
    /// Nanoseconds since the epoch, and one; 0 where it is not held down.
    until: AtomicU64,
}

impl HoldDown {
    fn new(epoch: Instant) -> Self {
        HoldDown { epoch, until: AtomicU64::new(0) }
    }

    fn hold(&self, now: Instant, time: Duration) {
        self.until.store(self.nanos(now + time), Ordering::Relaxed);
    }

    fn clear(&self) {
        if self.until.load(Ordering::Relaxed) != 0 {
            self.until.store(0, Ordering::Relaxed);
        }
    }

    fn admits(&self, now: Instant, time: Duration) -> bool {
        let until = self.until.load(Ordering::Relaxed);
        if until == 0 {
            return true;
        }
        // Whoever moves the end of the hold-down is the one that tries.
        self.nanos(now) >= until
            && self
                .until
                .compare_exchange(until, self.nanos(now + time), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    fn left(&self, now: Instant) -> Option<Duration> {
        let left = self.until.load(Ordering::Relaxed).checked_sub(self.nanos(now))?;
        (left > 0).then(|| Duration::from_nanos(left))
    }

    fn nanos(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.epoch).as_nanos();
        u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(1);

    #[test]
    fn an_endpoint_is_avoided_for_a_time_and_then_tried_by_one_request() {
        let start = Instant::now();
        let hold = HoldDown::new(start);
        assert!(hold.admits(start, TIME) && hold.admits(start, TIME));
        hold.hold(start, TIME);
        assert!(!hold.admits(start, TIME));
        assert_eq!(hold.left(start + TIME / 4), Some(TIME * 3 / 4));
        assert!(hold.admits(start + TIME, TIME));
        assert!(!hold.admits(start + TIME, TIME), "only one tries");
        assert!(!hold.admits(start + TIME * 3 / 2, TIME));
        assert!(hold.admits(start + TIME * 2, TIME), "the trial got lost");
        hold.clear();
        assert!(hold.admits(start + TIME * 2, TIME) && hold.admits(start, TIME));
        assert_eq!(hold.left(start), None);
    }

    #[test]
    fn requests_in_flight_are_bounded_and_counted_down() {
        let settings = Settings { max_in_flight: 2, ..Settings::default() };
        let dial = Dial::Tcp(([127, 0, 0, 1], 1).into());
        let endpoint = Arc::new(Endpoint::new(dial, Arc::new(settings), Instant::now()));
        let first = endpoint.lease().expect("a first place");
        let second = endpoint.lease().expect("a second place");
        assert!(endpoint.lease().is_none());
        assert_eq!(endpoint.in_flight(), 2);
        drop(first);
        assert!(endpoint.lease().is_some());
        drop(second);
        assert_eq!(endpoint.in_flight(), 0);
    }
}
