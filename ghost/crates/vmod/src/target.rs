//! What a director stands for: one backend of one rule, in one configuration.

use std::ffi::CString;
use std::sync::Arc;

use ghost_config::{Backend, Rule};
use ghost_route::Chosen;
use ghost_upstream::Service;
use varnish::ffi::vrt_ctx;

use crate::row::{Row, Rows};
use crate::snapshot::Snapshot;

/// Where requests of a rule that are a backend's share go, and what is done to them on the way.
pub struct Target {
    snapshot: Arc<Snapshot>,
    chosen: Chosen,
    backend: usize,
    service: Arc<Service>,
    row: Arc<Row>,
}

impl Target {
    /// The target of a backend of the chosen rule; none where it has no service, or its VCL cools.
    ///
    /// # Safety
    /// `ctx` is a client task's of the VCL that the rows belong to.
    pub unsafe fn new(
        ctx: &vrt_ctx,
        rows: &Rows,
        snapshot: &Arc<Snapshot>,
        chosen: Chosen,
        backend: usize,
    ) -> Option<Self> {
        let id = &snapshot.router().rule(&chosen).backends.get(backend)?.service;
        let service = Arc::clone(snapshot.services().get(id)?);
        // SAFETY: as promised.
        let row = unsafe { rows.row(ctx, &service) }?;
        Some(Self { snapshot: Arc::clone(snapshot), chosen, backend, service, row })
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

    /// The service's row.
    pub fn row(&self) -> &Row {
        &self.row
    }

    /// What of the path made requests fit; empty where another condition did.
    pub fn prefix(&self) -> &[u8] {
        self.snapshot.router().prefix(&self.chosen)
    }

    /// Its name in Varnish: "service@route/rule", such as "shop/web:80@shop/all/0".
    pub fn name(&self) -> CString {
        let route = &self.snapshot.router().route(&self.chosen).id;
        let name = format!("{}@{route}/{}", self.service.id(), self.chosen.rule);
        // A NUL could only come from a broken configuration.
        CString::new(name.replace('\0', "?")).unwrap_or_default()
    }
}
