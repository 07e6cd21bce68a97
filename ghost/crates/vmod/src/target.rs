//! What a director stands for: a rule, in one loaded VCL.

use std::ffi::CString;
use std::sync::{Arc, OnceLock};

use ghost_upstream::Service;
use smallvec::SmallVec;
use varnish::ffi::vrt_ctx;

use crate::rule_handle::RuleHandle;
use crate::service_director::{ServiceDirector, ServiceDirectors};

/// Where the requests of a rule go, and what is done to them on the way.
pub struct Target {
    rule: Arc<RuleHandle>,
    /// What of the path made requests fit; empty where another condition did.
    prefix: Box<[u8]>,
    /// Most rules have one, which is one piece of memory with the target.
    backends: SmallVec<[Backend; 1]>,
}

#[derive(Default)]
struct Backend {
    /// None where its requests go to no service.
    service_director: Option<Arc<ServiceDirector>>,
    /// What the log calls it, once it was asked.
    name: OnceLock<Box<str>>,
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
        let record = rule.rule();
        let mut backends: SmallVec<[Backend; 1]> =
            record.backends.iter().map(|_| Backend::default()).collect();
        for (backend, service) in rule.services() {
            // SAFETY: as promised.
            backends[backend].service_director =
                Some(unsafe { service_directors.get_or_make(ctx, service) }?);
        }
        Some(Self { rule: Arc::clone(rule), prefix: record.prefix(match_index).into(), backends })
    }

    /// The rule.
    pub fn rule(&self) -> &Arc<RuleHandle> {
        &self.rule
    }

    /// The director of the service that a backend's requests go to.
    pub fn service_director(&self, backend: usize) -> Option<&ServiceDirector> {
        self.backends.get(backend)?.service_director.as_deref()
    }

    /// What the log calls a backend, which `make` says the first time.
    pub fn backend_name(&self, backend: usize, make: impl FnOnce() -> String) -> &str {
        self.backends.get(backend).map_or("", |backend| backend.name.get_or_init(|| make().into()))
    }

    /// Whether there is a service of the rule that requests may go to.
    ///
    /// # Safety
    /// `ctx` is valid.
    pub unsafe fn is_healthy(&self, ctx: &vrt_ctx) -> bool {
        // SAFETY: as promised.
        let is_healthy = |director: &Arc<ServiceDirector>| unsafe { director.is_healthy(ctx) };
        self.backends.iter().any(|backend| backend.service_director.as_ref().is_some_and(is_healthy))
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
        &self.prefix
    }

    /// Its name in Varnish.
    pub fn name(&self) -> CString {
        // A NUL could only come from a broken configuration.
        CString::new(self.rule.name().replace('\0', "?")).unwrap_or_default()
    }
}
