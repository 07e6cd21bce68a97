//! Counters in Varnish's shared memory: varnishstat shows them as GHOST.*.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;

use ghost_upstream::Counter;
use varnish::{Vsc, VscMetric};

/// All that ghost counts. Counters grow from the start of varnishd's child; gauges tell the present.
#[derive(VscMetric, Default)]
#[repr(C)]
pub struct Counters {
    /// Requests that went on to a rule with a backend, or to an object in the cache.
    #[counter]
    pub forwarded: AtomicU64,
    /// Answers of backends that were passed on directly.
    #[counter]
    pub direct: AtomicU64,
    /// Requests that user VCL has passed by way of a fetch though the direct door is open.
    #[counter]
    pub direct_bypassed: AtomicU64,
    /// Requests answered with a redirect.
    #[counter]
    pub redirected: AtomicU64,
    /// Requests refused as malformed (400) or too large (414, 431), or as they ask for a tunnel (501).
    #[counter]
    pub malformed: AtomicU64,
    /// Requests that no route matches (404).
    #[counter]
    pub unmatched: AtomicU64,
    /// Requests that met a broken listener, rule or backend (500).
    #[counter]
    pub broken: AtomicU64,
    /// Requests answered 503: before the first configuration, for want of an endpoint, or as their body is gone.
    #[counter]
    pub unavailable: AtomicU64,
    /// Panics that were caught, each of which failed one request or reload.
    #[counter]
    pub panics: AtomicU64,
    /// Configurations that were taken.
    #[counter]
    pub reloads_taken: AtomicU64,
    /// Configurations that were refused.
    #[counter]
    pub reloads_refused: AtomicU64,
    /// Sequence of the configuration that runs.
    #[gauge]
    pub sequence: AtomicU64,
    /// Routes of the configuration that runs.
    #[gauge]
    pub routes: AtomicU64,
    /// Services of the configuration that runs.
    #[gauge]
    pub services: AtomicU64,
    /// Records of the configuration that runs, and that are inert.
    #[gauge]
    pub diagnostics: AtomicU64,
    /// Exchanges with a backend that were asked for, those included that were refused.
    #[counter]
    pub backend_requests: AtomicU64,
    /// Exchanges with a backend that are going on.
    #[gauge]
    pub backend_in_flight: AtomicU64,
    /// Connections to backends opened.
    #[counter]
    pub backend_opened: AtomicU64,
    /// Requests sent on a connection that had served another before.
    #[counter]
    pub backend_reused: AtomicU64,
    /// Requests sent again, since the reused connection turned out to be closed.
    #[counter]
    pub backend_retries: AtomicU64,
    /// Connections to backends that could not be opened.
    #[counter]
    pub backend_connect_failures: AtomicU64,
    /// Exchanges that ran into a deadline.
    #[counter]
    pub backend_timeouts: AtomicU64,
    /// Exchanges refused since every endpoint had its limit of requests in flight.
    #[counter]
    pub backend_saturated: AtomicU64,
    /// Exchanges refused since all services together had their limit of requests in flight.
    #[counter]
    pub backend_overloaded: AtomicU64,
    /// Exchanges refused since the service had as many requests in flight as places were left for all.
    #[counter]
    pub backend_service_overloaded: AtomicU64,
    /// Exchanges refused since every endpoint of the service was held down.
    #[counter]
    pub backend_held_down: AtomicU64,
    /// Exchanges refused since the service had no endpoint.
    #[counter]
    pub backend_no_endpoint: AtomicU64,
    /// Answers that broke HTTP/1.1 or a limit.
    #[counter]
    pub backend_bad_responses: AtomicU64,
    /// Exchanges in which the backend closed too early.
    #[counter]
    pub backend_closed: AtomicU64,
    /// Connections closed since they held bytes that no request asked for.
    #[counter]
    pub backend_surplus: AtomicU64,
    /// Exchanges given up since the request did not come to its end in time.
    #[counter]
    pub backend_slow_requests: AtomicU64,
    /// Exchanges given up since the client had gone.
    #[counter]
    pub backend_client_gone: AtomicU64,
}

/// The segment, once varnishd has given one.
struct Segment(Vsc<Counters>);

// SAFETY: what the segment's pointer leads to stays mapped for the life of the process and consists of
// atomics only.
unsafe impl Send for Segment {}
// SAFETY: as above.
unsafe impl Sync for Segment {}

static SEGMENT: OnceLock<Segment> = OnceLock::new();

/// Where the counters are. Until varnishd has given a segment they are counted for nobody.
pub fn counters() -> &'static Counters {
    static NOBODY: OnceLock<Counters> = OnceLock::new();
    match SEGMENT.get() {
        Some(segment) => &segment.0,
        None => NOBODY.get_or_init(Counters::default),
    }
}

/// Asks varnishd for the segment. To be called from the thread that loads VCL.
pub fn open() {
    SEGMENT.get_or_init(|| Segment(Vsc::new("GHOST", "")));
}

/// Counts one.
pub fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Sets a gauge.
pub fn set(gauge: &AtomicU64, value: u64) {
    gauge.store(value, Ordering::Relaxed);
}

/// Where the upstream counts what all services do.
pub fn upstream() -> ghost_upstream::Counters {
    let shown = counters();
    ghost_upstream::Counters {
        requests: Counter::at(&shown.backend_requests),
        in_flight: Counter::at(&shown.backend_in_flight),
        opened: Counter::at(&shown.backend_opened),
        reused: Counter::at(&shown.backend_reused),
        retries: Counter::at(&shown.backend_retries),
        connect_failures: Counter::at(&shown.backend_connect_failures),
        timeouts: Counter::at(&shown.backend_timeouts),
        saturated: Counter::at(&shown.backend_saturated),
        no_endpoint: Counter::at(&shown.backend_no_endpoint),
        bad_responses: Counter::at(&shown.backend_bad_responses),
        closed: Counter::at(&shown.backend_closed),
        surplus: Counter::at(&shown.backend_surplus),
        overloaded: Counter::at(&shown.backend_overloaded),
        service_overloaded: Counter::at(&shown.backend_service_overloaded),
        held_down: Counter::at(&shown.backend_held_down),
        slow_requests: Counter::at(&shown.backend_slow_requests),
        client_gone: Counter::at(&shown.backend_client_gone),
    }
}
