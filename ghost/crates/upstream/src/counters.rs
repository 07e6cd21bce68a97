//! Counters of what the upstream does: one set in all, and one for each service.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;

/// One counter or gauge. Reading is never torn, and orders nothing.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Its value now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn sub(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What was done, counted since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Exchanges begun.
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
    /// Exchanges refused since the service had no endpoint.
    pub no_endpoint: Counter,
    /// Answers that broke HTTP/1.1 or a limit.
    pub bad_responses: Counter,
    /// Exchanges that ended with the backend closing too early.
    pub closed: Counter,
}

impl Counters {
    pub(crate) fn count_error(&self, error: &Error) {
        match error {
            Error::Timeout(_) => self.timeouts.add(),
            Error::Saturated => self.saturated.add(),
            Error::NoEndpoint => self.no_endpoint.add(),
            Error::BadResponse(_) => self.bad_responses.add(),
            Error::Closed { .. } => self.closed.add(),
            // A connect failure is counted where it happens: one exchange can meet several.
            Error::Connect { .. } | Error::RequestBody => {}
        }
    }

    pub(crate) fn begin(&self) {
        self.requests.add();
        self.in_flight.add();
    }

    pub(crate) fn end(&self) {
        self.in_flight.sub();
    }
}
