//! A service: its endpoints now, and the choice among them.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use arc_swap::ArcSwap;

use crate::counters::Counters;
use crate::dial::Dial;
use crate::endpoint::{Endpoint, Lease};
use crate::error::Error;
use crate::settings::Settings;
use crate::share::Share;
use crate::splitmix::mix;

/// A service, which outlives reloads: whoever holds it sees its endpoints of now.
#[derive(Debug)]
pub struct Service {
    id: Arc<str>,
    settings: Arc<Settings>,
    endpoints: ArcSwap<Endpoints>,
    /// Whose turn it is.
    turn: AtomicUsize,
    counters: Counters,
    totals: Arc<Counters>,
    share: Arc<Share>,
}

#[derive(Debug, Default)]
struct Endpoints {
    serving: Vec<Arc<Endpoint>>,
    /// Those that have left, as long as they have requests in flight.
    draining: Vec<Weak<Endpoint>>,
}

/// Why no endpoint can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unavailable {
    /// There is none that was not tried.
    NoEndpoint,
    /// Those that were not tried have their limit in flight.
    Saturated,
    /// Those that were not tried are held down.
    HeldDown,
}

impl Service {
    pub(crate) fn new(
        id: Arc<str>,
        settings: Arc<Settings>,
        totals: Arc<Counters>,
        share: Arc<Share>,
    ) -> Self {
        Service {
            id,
            settings,
            endpoints: ArcSwap::default(),
            turn: AtomicUsize::new(0),
            counters: Counters::default(),
            totals,
            share,
        }
    }

    /// Its identity in the configuration.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it has done.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Its endpoints: those that serve, in the order of the configuration, and then those that have left it
    /// and only finish what is in flight.
    pub fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        let endpoints = self.endpoints.load();
        let draining = endpoints.draining.iter().filter_map(Weak::upgrade);
        endpoints.serving.iter().cloned().chain(draining).collect()
    }

    /// Whether there is an endpoint to send requests to.
    pub fn has_endpoints(&self) -> bool {
        !self.endpoints.load().serving.is_empty()
    }

    /// Takes a place among the requests in flight, for which [`end`](Self::end) must follow. A service may
    /// take its [`Share`] of all places, or as many as the settings say. Errors with [`Error::Overloaded`]
    /// or [`Error::ServiceOverloaded`]; no place is taken then.
    pub(crate) fn begin(&self) -> Result<(), Error> {
        self.count(|counters| counters.requests.add());
        let total = self.settings.max_in_flight_total as u64;
        let left = total.saturating_sub(self.totals.in_flight.get());
        if left == 0 {
            return Err(Error::Overloaded);
        }
        let share =
            self.settings.max_in_flight_service.map_or_else(|| self.share.of(left), |most| most as u64);
        if !self.counters.begin_below(share) {
            return Err(Error::ServiceOverloaded);
        }
        if !self.totals.begin_below(total) {
            self.counters.end();
            return Err(Error::Overloaded);
        }
        Ok(())
    }

    /// Leaves the place in flight.
    pub(crate) fn end(&self) {
        self.count(Counters::end);
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Counts for this service and in all.
    pub(crate) fn count(&self, what: impl Fn(&Counters)) {
        what(&self.counters);
        what(&self.totals);
    }

    /// Chooses an endpoint that was not `tried` and takes a place there: in turn, of those that are not held
    /// down. Where all are, one request at a time tries nevertheless, and others may use what is open already.
    pub(crate) fn choose(&self, tried: &[Arc<Endpoint>], now: Instant) -> Result<Lease, Unavailable> {
        let endpoints = self.endpoints.load();
        let serving = endpoints.serving.as_slice();
        if serving.is_empty() {
            return Err(Unavailable::NoEndpoint);
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let untried = || {
            in_turn(serving, turn).filter(|endpoint| !tried.iter().any(|other| Arc::ptr_eq(endpoint, other)))
        };
        let ready = untried().find_map(|endpoint| endpoint.admit(now));
        if let Some(lease) = ready {
            return Ok(lease);
        }
        if untried().next().is_none() {
            return Err(Unavailable::NoEndpoint);
        }
        if untried().any(|endpoint| endpoint.held_down(now).is_none()) {
            return Err(Unavailable::Saturated);
        }
        let probe = untried().find_map(|endpoint| endpoint.admit_early(now));
        probe.or_else(|| untried().find_map(Endpoint::admit_idle)).ok_or(Unavailable::HeldDown)
    }

    /// Sets the endpoints. One that stays keeps its connections, its count in flight and its hold-down; so
    /// does one that comes back while its last request has not finished.
    ///
    /// Not to be called by two threads at once.
    pub(crate) fn set_endpoints(&self, dials: &[Dial], now: Instant) {
        let before = self.endpoints.load_full();
        if !self.is_changed(&before, dials) {
            return;
        }
        let mut known: BTreeMap<Dial, Arc<Endpoint>> =
            self.endpoints().into_iter().map(|known| (known.dial().clone(), known)).collect();
        let mut named = HashSet::with_capacity(dials.len());
        let serving: Vec<_> = dials
            .iter()
            .filter(|dial| named.insert(*dial))
            .map(|dial| known.remove(dial).unwrap_or_else(|| self.new_endpoint(dial, now)))
            .collect();
        serving.iter().filter(|endpoint| endpoint.is_draining()).for_each(|endpoint| endpoint.come_back());
        let draining = known.values().map(Arc::downgrade).collect();
        self.endpoints.store(Arc::new(Endpoints { serving, draining }));
        known.values().for_each(|endpoint| endpoint.leave());
    }

    fn new_endpoint(&self, dial: &Dial, now: Instant) -> Arc<Endpoint> {
        Arc::new(Endpoint::new(dial.clone(), Arc::clone(&self.settings), now))
    }

    fn is_changed(&self, before: &Endpoints, dials: &[Dial]) -> bool {
        let serving = before.serving.iter();
        serving.clone().any(|endpoint| endpoint.is_draining())
            || !serving.map(|endpoint| endpoint.dial()).eq(dials)
    }

    /// Lets the service leave the configuration. Requests that were routed before still find its last
    /// endpoints, but no connection stays open for others.
    pub(crate) fn leave(&self) {
        let endpoints = self.endpoints.load();
        endpoints.serving.iter().for_each(|endpoint| endpoint.leave());
    }

    pub(crate) fn reap(&self, now: Instant) {
        let endpoints = self.endpoints.load();
        let surplus = endpoints.serving.iter().map(|endpoint| endpoint.reap(now)).sum();
        self.count_surplus(surplus);
    }

    pub(crate) fn count_surplus(&self, connections: u64) {
        if connections > 0 {
            self.count(|counters| counters.surplus.add_many(connections));
        }
    }
}

/// The endpoint whose turn it is, and then all, from a place that differs from turn to turn: the share of one
/// that is down falls to all the others alike, not to its neighbour.
fn in_turn(endpoints: &[Arc<Endpoint>], turn: usize) -> impl Iterator<Item = &Arc<Endpoint>> {
    let first = &endpoints[turn % endpoints.len()];
    let (head, tail) = endpoints.split_at(mix(turn as u64) as usize % endpoints.len());
    std::iter::once(first).chain(tail).chain(head)
}

#[cfg(test)]
mod tests;
