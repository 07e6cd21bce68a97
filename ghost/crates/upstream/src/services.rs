//! The services of one configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::service::Service;

/// The services of one configuration. The services themselves live on from one to the next.
#[derive(Debug, Default)]
pub struct Services(pub(crate) BTreeMap<Arc<str>, Arc<Service>>);

impl Services {
    /// The service of this identity.
    pub fn get(&self, id: &str) -> Option<&Arc<Service>> {
        self.0.get(id)
    }

    /// All of them, ordered by identity.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Service>> {
        self.0.values()
    }
}
