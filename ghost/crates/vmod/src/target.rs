//! What a director stands for: one backend of one rule, in one configuration.

use std::ffi::CString;
use std::sync::Arc;

use ghost_config::{Backend, PathMatch, Rule};
use ghost_route::Chosen;
use ghost_upstream::Service;

use crate::snapshot::Snapshot;

/// Where requests of a rule that are a backend's share go, and what is done to them on the way.
pub struct Target {
    snapshot: Arc<Snapshot>,
    chosen: Chosen,
    backend: usize,
    service: Arc<Service>,
}

impl Target {
    /// The target of a backend of the chosen rule; none where it has no service.
    pub fn new(snapshot: &Arc<Snapshot>, chosen: Chosen, backend: usize) -> Option<Self> {
        let id = &snapshot.router().rule(&chosen).backends.get(backend)?.service;
        let service = Arc::clone(snapshot.service(id)?);
        Some(Self { snapshot: Arc::clone(snapshot), chosen, backend, service })
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        self.snapshot.router().rule(&self.chosen)
    }

    /// The backend of the rule.
    pub fn backend(&self) -> &Backend {
        &self.rule().backends[self.backend]
    }

    /// The service that the backend names.
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// The prefix of the path that made a request fit; none where another condition did.
    pub fn prefix(&self) -> Option<&[u8]> {
        match &self.rule().matches.get(self.chosen.match_index)?.as_ref()?.path {
            PathMatch::Prefix(prefix) => Some(prefix),
            PathMatch::Exact(_) | PathMatch::Regex(_) => None,
        }
    }

    /// Its name in Varnish: "service@route/rule", such as "shop/web:80@shop/all/0".
    pub fn name(&self) -> CString {
        let route = &self.snapshot.router().route(&self.chosen).id;
        let name = format!("{}@{route}/{}", self.service.id(), self.chosen.rule);
        // A NUL could only come from a broken configuration.
        CString::new(name.replace('\0', "?")).unwrap_or_default()
    }
}
