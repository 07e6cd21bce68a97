//! Services and their endpoints.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::diagnostic::Findings;
use crate::needs;
use crate::{field, wire};

/// One port of a Kubernetes Service, with the endpoints that can take requests now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// "namespace/name:port".
    pub id: Arc<str>,
    /// Addresses that serve; none means that requests are answered 503.
    pub endpoints: Vec<SocketAddr>,
    /// Why requests to it are answered 500; `None` where it is sound.
    pub fault: Option<Box<str>>,
}

impl Service {
    pub(crate) fn compile(wire: wire::Service, findings: &mut Findings) -> Self {
        let fault = needs::unmet(&wire.needs, findings);
        let mut endpoints = Vec::with_capacity(wire.endpoints.len());
        for (index, endpoint) in wire.endpoints.into_iter().enumerate() {
            endpoints.extend(findings.element("endpoints", index, |f| address(&endpoint, f)));
        }
        Self { id: wire.id.into(), endpoints, fault }
    }

    /// The Kubernetes object, as diagnostics name it.
    pub(crate) fn object(&self) -> String {
        self.id.split_once(':').map_or_else(String::new, |(name, _port)| format!("Service {name}"))
    }
}

fn address(endpoint: &wire::Endpoint, findings: &mut Findings) -> Option<SocketAddr> {
    let address: Option<IpAddr> = endpoint.address.parse().ok();
    if address.is_none() {
        let message = format!("{:?} is no IP address, so this endpoint is left out", endpoint.address);
        findings.field("address", |f| f.note(message));
    }
    let port = field::port(endpoint.port);
    if port.is_none() {
        let message = format!("{} is no port, so this endpoint is left out", endpoint.port);
        findings.field("port", |f| f.note(message));
    }
    Some(SocketAddr::new(address?, port?))
}
