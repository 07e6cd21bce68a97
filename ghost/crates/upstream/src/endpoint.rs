//! One endpoint of a service: its connections, its requests in flight, and whether it is held down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::counters::Counter;
use crate::dial::Dial;
use crate::hold_down::{Admission, HoldDown};
use crate::pool::{Pool, Taken};
use crate::settings::Settings;

/// An address of a service. It lives as long as the service has it, or a request to it is in flight.
#[derive(Debug)]
pub struct Endpoint {
    dial: Dial,
    /// Address and port in words: each request logs them.
    label: Box<str>,
    settings: Arc<Settings>,
    pool: Pool,
    in_flight: AtomicUsize,
    hold: HoldDown,
    /// Whether it has left its service, and only finishes what is in flight.
    draining: AtomicBool,
    requests: Counter,
    connect_failures: Counter,
    surplus: Counter,
}

impl Endpoint {
    pub(crate) fn new(dial: Dial, settings: Arc<Settings>, now: Instant) -> Self {
        let address = dial.address();
        Endpoint {
            label: format!("{} {}", address.ip(), address.port()).into(),
            pool: Pool::new(&settings, now),
            in_flight: AtomicUsize::new(0),
            hold: HoldDown::new(now),
            draining: AtomicBool::new(false),
            requests: Counter::default(),
            connect_failures: Counter::default(),
            surplus: Counter::default(),
            dial,
            settings,
        }
    }

    /// How it is reached.
    pub fn dial(&self) -> &Dial {
        &self.dial
    }

    /// Address and port, with a blank between them.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// How many requests are in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How many connections wait for a request.
    pub fn idle(&self) -> usize {
        self.pool.len()
    }

    /// How much longer it is avoided after failures to connect, zero while a request tries; none where it
    /// is not.
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

    /// How many of its connections held bytes that no request asked for, since it came.
    pub fn surplus(&self) -> u64 {
        self.surplus.get()
    }

    /// A place for one request; none where it has its limit in flight, or is held down.
    pub(crate) fn admit(self: &Arc<Self>, now: Instant) -> Option<Lease> {
        let mut lease = self.lease()?;
        match self.hold.admits(now) {
            Admission::Free => {}
            Admission::Probe => lease.kind = Kind::Probe,
            Admission::Refused => return None,
        }
        Some(lease)
    }

    /// A place for the one request that tries an endpoint that is held down, as there is no other; none
    /// where another one tries, or has tried a short time ago.
    pub(crate) fn admit_early(self: &Arc<Self>, now: Instant) -> Option<Lease> {
        let mut lease = self.lease()?;
        self.hold.admits_early(now).then(|| {
            lease.kind = Kind::Probe;
            lease
        })
    }

    /// A place for a request that uses a connection that is open already; none where there is none.
    pub(crate) fn admit_idle(self: &Arc<Self>) -> Option<Lease> {
        let mut lease = self.lease()?;
        lease.kind = Kind::Idle;
        (self.idle() > 0).then_some(lease)
    }

    /// A place for one request, held down or not; none where it has its limit in flight.
    fn lease(self: &Arc<Self>) -> Option<Lease> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let lease = Lease { endpoint: Arc::clone(self), kind: Kind::Any };
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

    /// Closes idle connections that cannot be used any more. Returns how many of them held bytes that no
    /// request asked for.
    pub(crate) fn reap(&self, now: Instant) -> u64 {
        self.note_surplus(self.pool.reap(&self.settings, now))
    }

    fn note_surplus(&self, count: u64) -> u64 {
        if count > 0 {
            self.surplus.add_many(count);
        }
        count
    }
}

/// The place of one request among those in flight at an endpoint.
#[derive(Debug)]
pub(crate) struct Lease {
    endpoint: Arc<Endpoint>,
    kind: Kind,
}

/// Which connections a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Any,
    /// A new one, as it tries if the endpoint can be connected to again.
    Probe,
    /// One that is open already, as the endpoint is held down.
    Idle,
}

impl Lease {
    pub(crate) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// Whether it may open a connection.
    pub(crate) fn may_open(&self) -> bool {
        self.kind != Kind::Idle
    }

    /// An idle connection, if there is one that can be used. A probe takes none: it would prove nothing.
    pub(crate) fn take_idle(&self, now: Instant) -> Taken {
        if self.kind == Kind::Probe {
            return Taken::default();
        }
        let taken = self.endpoint.pool.take(&self.endpoint.settings, now);
        self.endpoint.note_surplus(taken.surplus);
        taken
    }

    /// Keeps a connection for the next request. Returns whether it is kept.
    pub(crate) fn give_idle(&self, connection: Connection, keep_alive: Option<Duration>) -> bool {
        let endpoint = &self.endpoint;
        endpoint.pool.give(connection, keep_alive, &endpoint.settings, Instant::now())
    }

    /// Takes account of bytes behind an answer that no request asked for.
    pub(crate) fn sent_surplus(&self) {
        self.endpoint.note_surplus(1);
        self.endpoint.pool.distrust(&self.endpoint.settings, Instant::now());
    }

    pub(crate) fn count_request(&self) {
        self.endpoint.requests.add();
    }

    /// Takes account of a connection that was opened.
    pub(crate) fn connected(&mut self) {
        self.endpoint.hold.clear();
        self.end_probe();
    }

    /// Takes account of a connection that could not be opened, by the endpoint's fault.
    pub(crate) fn connect_failed(&mut self, now: Instant) {
        self.endpoint.connect_failures.add();
        self.endpoint.hold.fail(&self.endpoint.settings, now);
        self.end_probe();
    }

    /// A probe ends with the answer to its question, however long the request goes on.
    fn end_probe(&mut self) {
        if self.kind == Kind::Probe {
            self.kind = Kind::Any;
            self.endpoint.hold.end_probe();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.endpoint.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.end_probe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
