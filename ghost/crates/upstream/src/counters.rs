//! Counters of what the upstream does: one set in all, and one for each service.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;

/// One counter or gauge. Reading is never torn, and orders nothing.
#[derive(Debug)]
pub struct Counter(Storage);

#[derive(Debug)]
enum Storage {
    Local(AtomicU64),
    Shared(&'static AtomicU64),
}

impl Counter {
    /// One that counts in memory of the caller, such as a segment that it shares with others.
    pub fn at(value: &'static AtomicU64) -> Self {
        Counter(Storage::Shared(value))
    }

    /// Its value now.
    pub fn get(&self) -> u64 {
        self.value().load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self) {
        self.add_many(1);
    }

    pub(crate) fn add_many(&self, count: u64) {
        self.value().fetch_add(count, Ordering::Relaxed);
    }

    /// Adds one where the value is below `limit`. Returns whether it was.
    fn add_below(&self, limit: u64) -> bool {
        let next = |value: u64| (value < limit).then_some(value + 1);
        self.value().fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }

    fn sub(&self) {
        self.value().fetch_sub(1, Ordering::Relaxed);
    }

    fn value(&self) -> &AtomicU64 {
        match &self.0 {
            Storage::Local(value) => value,
            Storage::Shared(value) => value,
        }
    }
}

impl Default for Counter {
    fn default() -> Self {
        Counter(Storage::Local(AtomicU64::new(0)))
    }
}

/// What was done, counted since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Exchanges asked for, those included that were refused.
    pub requests: Counter,
    /// Exchanges going on (a gauge).
    pub in_flight: Counter,
    /// Connections opened.
    pub opened: Counter,
    /// Requests sent on a connection that had served another before.
    pub reused: Counter,
    /// Requests sent again, on a fresh connection, since the reused one turned out to be closed.
    pub retries: Counter,
    /// Connections that could not be opened, timeouts among them.
    pub connect_failures: Counter,
    /// Exchanges that ran into a deadline.
    pub timeouts: Counter,
    /// Exchanges refused since every endpoint had its limit of requests in flight.
    pub saturated: Counter,
    /// Exchanges refused since all services together had their limit of requests in flight.
    pub overloaded: Counter,
    /// Exchanges refused since the service had as many requests in flight as places were left for all.
    pub service_overloaded: Counter,
    /// Exchanges refused since every endpoint was held down, and another request tried or it was not time.
    pub held_down: Counter,
    /// Exchanges refused since the service had no endpoint.
    pub no_endpoint: Counter,
    /// Answers that broke HTTP/1.1 or a limit.
    pub bad_responses: Counter,
    /// Exchanges that ended with the backend closing too early.
    pub closed: Counter,
    /// Connections closed since they held bytes that no request asked for.
    pub surplus: Counter,
    /// Exchanges given up since the request did not come to its end in time.
    pub slow_requests: Counter,
    /// Exchanges given up since the client had gone.
    pub client_gone: Counter,
}

impl Counters {
    pub(crate) fn count_error(&self, error: &Error) {
        match error {
            Error::Timeout(_) => self.timeouts.add(),
            Error::Saturated => self.saturated.add(),
            Error::Overloaded => self.overloaded.add(),
            Error::ServiceOverloaded => self.service_overloaded.add(),
            Error::HeldDown => self.held_down.add(),
            Error::NoEndpoint => self.no_endpoint.add(),
            Error::BadResponse(_) => self.bad_responses.add(),
            Error::Closed { .. } => self.closed.add(),
            Error::SlowRequest => self.slow_requests.add(),
            Error::ClientGone => self.client_gone.add(),
            // A connect failure is counted where it happens: one exchange can meet several.
            Error::Connect { .. } | Error::RequestBody => {}
        }
    }

    /// Takes a place in flight where fewer than `limit` are taken. Returns whether it did.
    pub(crate) fn begin_below(&self, limit: u64) -> bool {
        self.in_flight.add_below(limit)
    }

    pub(crate) fn end(&self) {
        self.in_flight.sub();
    }
}
