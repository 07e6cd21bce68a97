//! What can be set for all services.

use std::time::Duration;

/// Limits and habits of the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How many endpoints one exchange tries to connect to.
    pub connect_attempts: usize,
    /// How long an endpoint that could not be connected to is avoided at first; twice as long each time.
    pub hold_down: Duration,
    /// How long it is avoided at most.
    pub hold_down_max: Duration,
    /// How long after a failure to connect an endpoint is tried nevertheless, by one request, where all of
    /// its service are held down.
    pub hold_down_all: Duration,
    /// How many requests each endpoint may have in flight.
    pub max_in_flight: usize,
    /// How many requests all services together may have in flight. Each holds two of varnishd's threads
    /// in the fetch door, of which there are 10,000 (`thread_pools` times `thread_pool_max`): beyond this,
    /// one that waits for a backend would take the thread of one that needs none.
    pub max_in_flight_total: usize,
    /// How many of them each service may have; a share by how many services there are, where it is not said.
    pub max_in_flight_service: Option<usize>,
    /// How long it may take from an exchange's beginning to the end of the request's body, which its
    /// client may send slowly.
    pub request_timeout: Duration,
    /// How many idle connections are kept for each endpoint.
    pub max_idle: usize,
    /// How long a connection may be idle. Shorter than backends keep theirs (often 60 s), so that it is
    /// closed from this side, where nothing can be lost by it.
    pub idle_timeout: Duration,
    /// How long an endpoint's connections serve one request each after it has sent bytes that no
    /// request asked for.
    pub distrust: Duration,
    /// How long the head of a response may be, in bytes, interim responses not counted.
    pub max_head: usize,
    /// How long the body of a request may be, in bytes, so that it is kept to be sent again.
    pub max_replay: usize,
    /// How many bytes of an answer are kept that a backend sends while it still reads the request.
    pub max_early: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            connect_attempts: 3,
            hold_down: Duration::from_secs(1),
            hold_down_max: Duration::from_secs(30),
            hold_down_all: Duration::from_secs(5),
            max_in_flight: 1024,
            max_in_flight_total: 4000,
            max_in_flight_service: None,
            request_timeout: Duration::from_secs(3600),
            max_idle: 256,
            idle_timeout: Duration::from_secs(55),
            distrust: Duration::from_secs(60),
            max_head: 32 * 1024,
            max_replay: 64 * 1024,
            max_early: 8 * 1024 * 1024,
        }
    }
}
