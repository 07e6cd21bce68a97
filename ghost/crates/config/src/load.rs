//! From the bytes of ghost.json to a configuration, keeping what has not changed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::diagnostic::{Diagnostic, Finding, Findings};
use crate::{Config, MAJOR, Networks, Route, Service, listener, uniqueness, version, wire};

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

/// The records of a configuration with the text that they were compiled from.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    routes: Vec<Compiled<Route>>,
    services: Vec<Compiled<Service>>,
}

/// A compiled record. What was found holds for the same text wherever it stands.
#[derive(Debug)]
struct Compiled<T> {
    text: Arc<str>,
    record: Arc<T>,
    findings: Arc<[Finding]>,
}

impl<T> Clone for Compiled<T> {
    fn clone(&self) -> Self {
        Self {
            text: Arc::clone(&self.text),
            record: Arc::clone(&self.record),
            findings: Arc::clone(&self.findings),
        }
    }
}

/// Reads ghost.json. Records whose text is the same in `previous` are shared with it instead of being
/// compiled again.
///
/// # Errors
/// [`Refused`] where the file as a whole cannot be used; then the last good one stays.
pub fn load(bytes: &[u8], previous: Option<&Config>) -> Result<Loaded, Refused> {
    let file = read(bytes)?;
    let mut findings = Findings::default();
    for (name, number) in [("sequence", file.sequence), ("routingSequence", file.routing_sequence)] {
        if number < 0 {
            findings.field(name, |f| f.note(format!("{number} is negative")));
        }
    }
    let none = Kept::default();
    let kept = previous.map_or(&none, |config| &config.kept);
    let mut routes = compile(&file.routes, &kept.routes, Route::compile)?;
    keep_rules(&mut routes, &kept.routes);
    let kept = Kept { routes, services: compile(&file.services, &kept.services, Service::compile)? };
    let mut config = Config {
        sequence: file.sequence,
        routing_sequence: file.routing_sequence,
        trusted_hops: Networks::compile(&file.trusted_hops, &mut findings),
        listeners: listener::compile(file.listeners, &mut findings),
        routes: kept.routes.iter().map(|route| Arc::clone(&route.record)).collect(),
        services: Vec::new(),
        by_id: HashMap::new(),
        kept,
    };
    let diagnostics = examine(&mut config, findings);
    Ok(Loaded { config, diagnostics })
}

/// Indexes the services and gathers everything that was found.
fn examine(config: &mut Config, findings: Findings) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<_> = findings.into_list().iter().map(|f| f.at(format_args!(""), "")).collect();
    for (index, service) in config.kept.services.iter().enumerate() {
        let place = |f: &Finding| f.at(format_args!("services[{index}]"), &service.record.object());
        diagnostics.extend(service.findings.iter().map(place));
    }
    index_services(config, &mut diagnostics);
    for (index, route) in config.kept.routes.iter().enumerate() {
        let place = |f: &Finding| f.at(format_args!("routes[{index}]"), &route.record.object());
        diagnostics.extend(route.findings.iter().map(place));
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

/// Compiles the records of a table, or takes them from the last one where their text is the same.
fn compile<W: DeserializeOwned, T>(
    texts: &[&RawValue],
    last: &[Compiled<T>],
    compile: impl Fn(W, &mut Findings) -> T,
) -> Result<Vec<Compiled<T>>, Refused> {
    let known: HashMap<&[u8], &Compiled<T>> = last.iter().map(|c| (head(&c.text), c)).collect();
    let one = |raw: &&RawValue| match known.get(head(raw.get())) {
        Some(kept) if *kept.text == *raw.get() => Ok(Compiled::clone(kept)),
        _ => {
            let wire = serde_json::from_str(raw.get()).map_err(Refused::Unreadable)?;
            let mut findings = Findings::default();
            let record = Arc::new(compile(wire, &mut findings));
            Ok(Compiled { text: raw.get().into(), record, findings: findings.into_list().into() })
        }
    };
    texts.iter().map(one).collect()
}

/// Lets routes that changed share the rules that did not.
fn keep_rules(routes: &mut [Compiled<Route>], last: &[Compiled<Route>]) {
    let former: HashMap<&str, &Route> = last.iter().map(|c| (&*c.record.id, &*c.record)).collect();
    for route in routes {
        let Some(former) = former.get(&*route.record.id) else { continue };
        // Those that were kept whole are shared already.
        if let Some(record) = Arc::get_mut(&mut route.record) {
            record.keep_rules(former);
        }
    }
}

/// Enough of a record's text to find it by: it begins with the record's name. Records that share a head are
/// compiled more often than they need, no more.
fn head(text: &str) -> &[u8] {
    &text.as_bytes()[..text.len().min(128)]
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
