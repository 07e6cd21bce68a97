//! The compiled configuration.

use std::collections::HashMap;
use std::sync::Arc;

use crate::records::Kept;
use crate::{Backend, CachePolicy, Listener, Networks, Route, Rule, Service};

/// Everything that a ghost.json says. Immutable; routes and services are shared with the configuration that
/// came before wherever their text is the same.
#[derive(Debug, Default)]
pub struct Config {
    /// Grows whenever the content of ghost.json changes.
    pub sequence: i64,
    /// Sequence of the routing.json that ghost.json was made from.
    pub routing_sequence: i64,
    /// Networks whose X-Forwarded-* headers are believed.
    pub trusted_hops: Networks,
    /// Whether requests to backends and answers to clients have X-Varnish, the number of their transaction.
    pub x_varnish: bool,
    /// Listeners, at their places in the file.
    pub listeners: Vec<Listener>,
    /// Routes, at their places in the file.
    pub routes: Vec<Arc<Route>>,
    /// Services in the order of the file, without those whose ID is missing or taken by an earlier one.
    pub services: Vec<Arc<Service>>,
    pub(crate) by_id: HashMap<Arc<str>, Arc<Service>>,
    pub(crate) cache_policies: HashMap<Arc<str>, Arc<CachePolicy>>,
    pub(crate) kept: Kept,
}

impl Config {
    /// The service of this ID.
    pub fn service(&self, id: &str) -> Option<&Arc<Service>> {
        self.by_id.get(id)
    }

    /// The policy by which answers to requests of a rule are cached; none where they are passed.
    pub fn cache_policy_of(&self, rule: &Rule) -> Option<&Arc<CachePolicy>> {
        self.cache_policy(rule.cache_policy.as_deref()?)
    }

    /// The policy of this ID, if answers can be cached by it.
    pub fn cache_policy(&self, id: &str) -> Option<&Arc<CachePolicy>> {
        self.cache_policies.get(id).filter(|policy| !policy.is_inert)
    }

    /// The service that requests to this backend go to.
    ///
    /// # Errors
    /// Why its share is answered 500.
    pub fn service_of<'c>(&'c self, backend: &'c Backend) -> Result<&'c Arc<Service>, &'c str> {
        if let Some(fault) = &backend.fault {
            return Err(fault);
        }
        let service = self.service(&backend.service).ok_or("its service is not in the service table")?;
        service.fault.as_deref().map_or(Ok(service), Err)
    }
}
