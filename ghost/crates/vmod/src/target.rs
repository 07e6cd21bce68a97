//! What a director stands for: a rule, in one loaded VCL.

use std::ffi::CString;
use std::sync::{Arc, OnceLock};

use ghost_upstream::Service;
use varnish::ffi::vrt_ctx;

use crate::rule_handle::RuleHandle;
use crate::service_director::{ServiceDirector, ServiceDirectors};

/// Where the requests of a rule go, and what is done to them on the way.
pub struct Target {
    rule: Arc<RuleHandle>,
    match_index: usize,
    /// By backend; none where its requests go to no service.
    service_directors: Box<[Option<Arc<ServiceDirector>>]>,
    /// By backend: what the log calls it, once it was asked.
    names: Box<[OnceLock<String>]>,
}

impl Target {
    /// The target of a match of a rule; none where its VCL cools.
    ///
    /// # Safety
    /// `ctx` is a client task's of the VCL that the directors belong to.
    pub unsafe fn new(
        ctx: &vrt_ctx,
        service_directors: &ServiceDirectors,
        rule: &Arc<RuleHandle>,
        match_index: usize,
    ) -> Option<Self> {
        let mut directors: Vec<Option<Arc<ServiceDirector>>> = Vec::new();
        directors.resize_with(rule.rule().backends.len(), || None);
        for (backend, service) in rule.services() {
            // SAFETY: as promised.
            directors[backend] = Some(unsafe { service_directors.get_or_make(ctx, service) }?);
        }
        let names = directors.iter().map(|_| OnceLock::new()).collect();
        Some(Self { rule: Arc::clone(rule), match_index, service_directors: directors.into(), names })
    }

    /// The rule.
    pub fn rule(&self) -> &Arc<RuleHandle> {
        &self.rule
    }

    /// The director of the service that a backend's requests go to.
    pub fn service_director(&self, backend: usize) -> Option<&ServiceDirector> {
        self.service_directors.get(backend)?.as_deref()
    }

    /// What the log calls a backend, which `make` says the first time.
    pub fn backend_name(&self, backend: usize, make: impl FnOnce() -> String) -> &str {
        self.names.get(backend).map_or("", |name| name.get_or_init(make))
    }

    /// Whether there is a service of the rule that requests may go to.
    ///
    /// # Safety
    /// `ctx` is valid.
    pub unsafe fn is_healthy(&self, ctx: &vrt_ctx) -> bool {
        // SAFETY: as promised.
        self.service_directors
            .iter()
            .flatten()
            .any(|service_director| unsafe { service_director.is_healthy(ctx) })
    }

    /// The services of the rule, each once.
    pub fn services(&self) -> Vec<&Service> {
        let mut services: Vec<&Service> = Vec::new();
        for (_, service) in self.rule.services() {
            if !services.iter().any(|known| std::ptr::eq(*known, &**service)) {
                services.push(service);
            }
        }
        services
    }

    /// What of the path made requests fit; empty where another condition did.
    pub fn prefix(&self) -> &[u8] {
        self.rule.rule().prefix(self.match_index)
    }

    /// Its name in Varnish.
    pub fn name(&self) -> CString {
        // A NUL could only come from a broken configuration.
        CString::new(self.rule.name().replace('\0', "?")).unwrap_or_default()
    }
}
