//! Every service of the configuration, and what is common to them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use arc_swap::ArcSwap;

use crate::counters::Counters;
use crate::dial::Dial;
use crate::reaper::Reaper;
use crate::service::Service;
use crate::services::Services;
use crate::settings::Settings;
use crate::share::Share;

/// A service as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpec {
    /// Its identity, which outlives reloads.
    pub id: Arc<str>,
    /// Its endpoints. One that is named twice counts once.
    pub endpoints: Vec<Dial>,
}

/// The services of a process, with their connections. One is enough for every configuration and every
/// VCL; the thread that closes idle connections lives as long as it does.
#[derive(Debug)]
pub struct Upstream {
    settings: Arc<Settings>,
    totals: Arc<Counters>,
    share: Arc<Share>,
    services: Arc<ArcSwap<Services>>,
    /// Every service that somebody holds, so that one that comes back is the same.
    known: Mutex<HashMap<Arc<str>, Weak<Service>>>,
    _reaper: Reaper,
}

impl Upstream {
    /// An upstream without services.
    pub fn new(settings: Settings) -> Self {
        Upstream::counting(settings, Counters::default())
    }

    /// An upstream without services that counts there what all of them do.
    pub fn counting(settings: Settings, totals: Counters) -> Self {
        let services = Arc::new(ArcSwap::from_pointee(Services::default()));
        Upstream {
            _reaper: Reaper::start(Arc::clone(&services)),
            settings: Arc::new(settings),
            totals: Arc::new(totals),
            share: Arc::default(),
            services,
            known: Mutex::default(),
        }
    }

    /// What all services together have done, those included that are gone.
    pub fn totals(&self) -> &Counters {
        &self.totals
    }

    /// The services of now.
    pub fn services(&self) -> Arc<Services> {
        self.services.load_full()
    }

    /// Sets the services. Those that stay keep what they have; the connections of those that go are closed
    /// once the requests in flight have finished. Requests that were routed before are served.
    pub fn update(&self, specs: impl IntoIterator<Item = ServiceSpec>) -> Arc<Services> {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut services = BTreeMap::new();
        for spec in specs {
            let service =
                known.get(&spec.id).and_then(Weak::upgrade).unwrap_or_else(|| self.new_service(&spec.id));
            service.set_endpoints(&spec.endpoints, now);
            services.insert(spec.id, service);
        }
        let services = Arc::new(Services(services));
        self.share.set_services(services.0.len());
        let before = self.services.swap(Arc::clone(&services));
        for (id, service) in &before.0 {
            if !services.0.contains_key(id) {
                service.leave();
            }
        }
        drop(before);
        known.retain(|_, service| service.strong_count() > 0);
        for (id, service) in &services.0 {
            known.insert(Arc::clone(id), Arc::downgrade(service));
        }
        services
    }

    fn new_service(&self, id: &Arc<str>) -> Arc<Service> {
        Arc::new(Service::new(
            Arc::clone(id),
            Arc::clone(&self.settings),
            Arc::clone(&self.totals),
            Arc::clone(&self.share),
        ))
    }
}

#[cfg(test)]
mod tests;
