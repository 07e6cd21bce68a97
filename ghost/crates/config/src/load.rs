//! From the bytes of ghost.json to a configuration, keeping what has not changed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Finding, Findings};
use crate::records::{self, Compiled, Kept};
use crate::{CachePolicy, Config, MAJOR, Networks, Service, listener, uniqueness, version, wire};

/// Bytes that the compiled expressions of all routes may take together.
const MAX_EXPRESSIONS: usize = 64 << 20;

/// A configuration, and what of it is inert.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What cannot be used as it stands.
    pub diagnostics: Vec<Diagnostic>,
}

/// Why a whole file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is no JSON, or a field has the wrong type.
    #[error("reading ghost.json: {0}")]
    Unreadable(#[source] serde_json::Error),
    /// Its version is none.
    #[error("reading ghost.json: {version:?} is no version of the form major.minor.patch")]
    Version {
        /// What stands there.
        version: Box<str>,
    },
    /// It is written in a contract that this build does not know.
    #[error("ghost.json is written in contract {version}; this build reads major version {MAJOR} only")]
    UnknownMajor {
        /// Its version.
        version: Box<str>,
    },
}

/// Reads ghost.json. Records whose text is the same in `previous` are shared with it instead of being
/// compiled again.
///
/// # Errors
/// [`Refused`] where the file as a whole cannot be used; then the last good one stays.
pub fn load(bytes: &[u8], previous: Option<&Config>) -> Result<Loaded, Refused> {
    load_within(bytes, previous, MAX_EXPRESSIONS)
}

/// As [`load`], with this many bytes for the compiled expressions of all routes.
///
/// # Errors
/// As [`load`].
pub fn load_within(bytes: &[u8], previous: Option<&Config>, memory: usize) -> Result<Loaded, Refused> {
    let file = read(bytes)?;
    let mut findings = Findings::default();
    for (name, number) in [("sequence", file.sequence), ("routingSequence", file.routing_sequence)] {
        if number < 0 {
            findings.field(name, |f| f.note(format!("{number} is negative")));
        }
    }
    let none = Kept::default();
    let kept = previous.map_or(&none, |config| &config.kept);
    let kept = Kept {
        routes: records::compile_routes(&file.routes, &kept.routes, memory)?,
        services: records::compile(&file.services, &kept.services, Service::compile)?,
        cache_policies: records::compile(&file.cache_policies, &kept.cache_policies, CachePolicy::compile)?,
    };
    let mut config = Config {
        sequence: file.sequence,
        routing_sequence: file.routing_sequence,
        trusted_hops: Networks::compile(&file.trusted_hops, &mut findings),
        x_varnish: file.x_varnish,
        listeners: listener::compile(file.listeners, &mut findings),
        routes: kept.routes.iter().map(|route| Arc::clone(&route.record)).collect(),
        services: Vec::new(),
        by_id: HashMap::new(),
        cache_policies: HashMap::new(),
        kept,
    };
    let diagnostics = examine(&mut config, findings);
    Ok(Loaded { config, diagnostics })
}

/// Indexes the services and gathers everything that was found.
fn examine(config: &mut Config, findings: Findings) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<_> = findings.into_list().iter().map(|f| f.at(format_args!(""), "")).collect();
    for (index, service) in config.kept.services.iter().enumerate() {
        let locate = |f: &Finding| f.at(format_args!("services[{index}]"), &service.record.object());
        diagnostics.extend(service.findings.iter().map(locate));
    }
    index_services(config, &mut diagnostics);
    for (index, policy) in config.kept.cache_policies.iter().enumerate() {
        let locate = |f: &Finding| f.at(format_args!("cachePolicies[{index}]"), &policy.record.object());
        diagnostics.extend(policy.findings.iter().map(locate));
    }
    index_cache_policies(config, &mut diagnostics);
    for (index, route) in config.kept.routes.iter().enumerate() {
        let locate = |f: &Finding| f.at(format_args!("routes[{index}]"), &route.record.object());
        diagnostics.extend(route.findings.iter().chain(&route.refused).map(locate));
    }
    uniqueness::check(config, &mut diagnostics);
    diagnostics
}

fn read(bytes: &[u8]) -> Result<wire::File<'_>, Refused> {
    match serde_json::from_slice::<wire::File<'_>>(bytes) {
        Ok(file) => version::check(&file.version).map(|()| file),
        Err(err) => {
            // A newer major may have another shape: its version says more than where reading stopped.
            if let Ok(head) = serde_json::from_slice::<wire::Head>(bytes) {
                version::check(&head.version)?;
            }
            Err(Refused::Unreadable(err))
        }
    }
}

/// Takes the services that can be referred to.
fn index_services(config: &mut Config, diagnostics: &mut Vec<Diagnostic>) {
    for (index, Compiled { record: service, .. }) in config.kept.services.iter().enumerate() {
        let message = match config.by_id.entry(Arc::clone(&service.id)) {
            _ if service.id.is_empty() => "the service has no ID, so it is not used",
            Entry::Occupied(_) => "another service has this ID, so this one is not used",
            Entry::Vacant(vacant) => {
                vacant.insert(Arc::clone(service));
                config.services.push(Arc::clone(service));
                continue;
            }
        };
        diagnostics.push(Diagnostic {
            path: format!("services[{index}].id"),
            object: service.object(),
            message: message.into(),
        });
    }
}

/// Takes the cache policies that can be referred to.
fn index_cache_policies(config: &mut Config, diagnostics: &mut Vec<Diagnostic>) {
    for (index, Compiled { record: policy, .. }) in config.kept.cache_policies.iter().enumerate() {
        match config.cache_policies.entry(Arc::clone(&policy.id)) {
            _ if policy.id.is_empty() => {}
            Entry::Vacant(vacant) => _ = vacant.insert(Arc::clone(policy)),
            Entry::Occupied(_) => diagnostics.push(Diagnostic {
                path: format!("cachePolicies[{index}].id"),
                object: policy.object(),
                message: "another policy has this ID, so this one is not used".into(),
            }),
        }
    }
}
