//! What there is once for each service.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ghost_upstream::{Service, Services};

/// A map from services to values. Services are the same if they are one object: another one of the same ID has
/// endpoints of its own.
pub struct ByService<T>(Mutex<HashMap<Arc<str>, Entry<T>>>);

struct Entry<T> {
    service: Arc<Service>,
    value: Arc<T>,
}

impl<T> Default for ByService<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> ByService<T> {
    /// The value of a service, made where there is none; none where that fails. It takes the place of one of another
    /// service of the same ID.
    pub fn get_or_make(&self, service: &Arc<Service>, make: impl FnOnce() -> Option<T>) -> Option<Arc<T>> {
        let mut entries = self.lock();
        if let Some(entry) = entries.get(service.id()) {
            if Arc::ptr_eq(&entry.service, service) {
                return Some(Arc::clone(&entry.value));
            }
        }
        let value = Arc::new(make()?);
        let entry = Entry { service: Arc::clone(service), value: Arc::clone(&value) };
        let former = entries.insert(service.id().into(), entry);
        drop(entries);
        drop(former);
        Some(value)
    }

    /// Drops the values of services that are not among these.
    pub fn keep(&self, services: &Services) {
        self.lock().retain(|_, entry| is_among(&entry.service, services));
    }

    /// Drops all.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Entry<T>>> {
        // A panic leaves the map whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether this very service is among these, and not just one of its ID.
pub fn is_among(service: &Arc<Service>, services: &Services) -> bool {
    services.get(service.id()).is_some_and(|known| Arc::ptr_eq(known, service))
}

#[cfg(test)]
mod tests {
    use ghost_upstream::{ServiceSpec, Settings, Upstream};

    use super::*;

    const ID: &str = "shop/web:80";

    fn with(upstream: &Upstream) -> Arc<Services> {
        upstream.update([ServiceSpec { id: ID.into(), endpoints: Vec::new() }])
    }

    fn service(services: &Services) -> &Arc<Service> {
        services.get(ID).expect("the service")
    }

    #[test]
    fn a_service_keeps_its_value_over_reloads() {
        let (upstream, values) = (Upstream::new(Settings::default()), ByService::default());
        let (before, after) = (with(&upstream), with(&upstream));
        assert_eq!(values.get_or_make(service(&before), || Some("made")).as_deref(), Some(&"made"));
        values.keep(&after);
        assert_eq!(values.get_or_make(service(&after), || Some("again")).as_deref(), Some(&"made"));
    }

    #[test]
    fn a_service_that_comes_back_while_it_is_held_is_the_same() {
        let (upstream, values) = (Upstream::new(Settings::default()), ByService::default());
        let before = with(&upstream);
        let handle = Arc::clone(service(&before));
        assert_eq!(values.get_or_make(&handle, || Some("old")).as_deref(), Some(&"old"));
        drop(before);
        upstream.update([]);
        let back = with(&upstream);
        values.keep(&back);
        assert_eq!(values.get_or_make(service(&back), || None).as_deref(), Some(&"old"));
    }

    #[test]
    fn another_service_of_the_same_id_gets_a_value_of_its_own() {
        let (one, other) = (Upstream::new(Settings::default()), Upstream::new(Settings::default()));
        let (before, after) = (with(&one), with(&other));
        let values = ByService::default();
        assert_eq!(values.get_or_make(service(&before), || Some("old")).as_deref(), Some(&"old"));
        assert_eq!(values.get_or_make(service(&after), || Some("new")).as_deref(), Some(&"new"));
        assert_eq!(values.get_or_make(service(&after), || None).as_deref(), Some(&"new"));
    }

    #[test]
    fn only_the_very_services_that_are_there_are_kept() {
        let (one, other) = (Upstream::new(Settings::default()), Upstream::new(Settings::default()));
        let (before, after) = (with(&one), with(&other));
        let values = ByService::default();
        let handle = values.get_or_make(service(&before), || Some("old")).expect("a value");
        values.keep(&before);
        assert_eq!(Arc::strong_count(&handle), 2);
        values.keep(&after);
        assert_eq!(Arc::strong_count(&handle), 1);
    }

    #[test]
    fn what_cannot_be_made_leaves_what_there_is() {
        let (upstream, values) = (Upstream::new(Settings::default()), ByService::<&str>::default());
        let services = with(&upstream);
        assert_eq!(values.get_or_make(service(&services), || None), None);
        assert_eq!(values.get_or_make(service(&services), || Some("made")).as_deref(), Some(&"made"));
    }
}
