//! What can only be told by looking at the whole file: identities that are taken, references to nothing.

use std::collections::HashSet;
use std::sync::Arc;

use crate::diagnostic::Findings;
use crate::{Config, Diagnostic, Route};

/// Checks the routes of a configuration against one another, its listeners, services and cache policies. Routes that
/// must answer 500 for what stands elsewhere are replaced by copies that do; the originals stay as they are
/// for the next reload, when that may have gone.
pub(crate) fn check(config: &mut Config, diagnostics: &mut Vec<Diagnostic>) {
    refuse_taken_routes(&mut config.routes, diagnostics);
    refuse_taken_rules(&mut config.routes, diagnostics);
    for (index, route) in config.routes.iter().enumerate() {
        let mut findings = Findings::default();
        find_dangling(config, route, &mut findings);
        report(findings, index, route, diagnostics);
    }
}

fn refuse_taken_routes(routes: &mut [Arc<Route>], diagnostics: &mut Vec<Diagnostic>) {
    let mut names = HashSet::with_capacity(routes.len());
    for (index, route) in routes.iter_mut().enumerate() {
        if names.insert(Arc::clone(&route.id)) || route.id.starts_with('/') || route.id.ends_with('/') {
            continue;
        }
        let mut findings = Findings::default();
        findings.field("name", |f| f.note("another route has this name, so this one answers 500"));
        report(findings, index, route, diagnostics);
        Arc::make_mut(route).fail("another route has its name");
    }
}

fn refuse_taken_rules(routes: &mut [Arc<Route>], diagnostics: &mut Vec<Diagnostic>) {
    let mut ids = HashSet::with_capacity(routes.len());
    for (index, route) in routes.iter_mut().enumerate() {
        let mut findings = Findings::default();
        for rule in 0..route.rules.len() {
            let id = Arc::clone(&route.rules[rule].id);
            if id.is_empty() || ids.insert(id) {
                continue;
            }
            findings.element("rules", rule, |f| {
                f.field("id", |f| f.note("another rule has this identity, so this one answers 500"));
            });
            let fault = &mut Arc::make_mut(&mut Arc::make_mut(route).rules[rule]).fault;
            fault.get_or_insert("another rule has its identity".into());
        }
        report(findings, index, route, diagnostics);
    }
}

fn find_dangling(config: &Config, route: &Route, findings: &mut Findings) {
    for (index, attachment) in route.attachments.iter().enumerate() {
        if !config.listeners.iter().any(|listener| listener.name == attachment.listener) {
            let message = format!("there is no listener {:?}, so this serves nothing", attachment.listener);
            findings.element("attachments", index, |f| f.field("listener", |f| f.note(message)));
        }
    }
    for (index, attachment) in route.attachments.iter().enumerate() {
        for (rule, id) in attachment.cache_policies.iter().enumerate() {
            let Some(id) = id.as_ref().filter(|id| !config.cache_policies.contains_key(*id)) else {
                continue;
            };
            let message =
                format!("there is no cache policy {id:?}, so requests of this rule are passed here");
            findings.element("attachments", index, |f| f.element("cachePolicies", rule, |f| f.note(message)));
        }
    }
    for (index, rule) in route.rules.iter().enumerate() {
        if let Some(id) = rule.cache_policy.as_ref().filter(|id| !config.cache_policies.contains_key(*id)) {
            let message = format!("there is no cache policy {id:?}, so requests of this rule are passed");
            findings.element("rules", index, |f| f.field("cachePolicy", |f| f.note(message)));
        }
        for (place, backend) in rule.backends.iter().enumerate() {
            if backend.service.is_empty() || backend.invalid || config.service(&backend.service).is_some() {
                continue;
            }
            let message = format!("there is no service {:?}, so its share answers 500", backend.service);
            findings.element("rules", index, |f| {
                f.element("backends", place, |f| f.field("service", |f| f.note(message)));
            });
        }
    }
}

fn report(findings: Findings, index: usize, route: &Route, diagnostics: &mut Vec<Diagnostic>) {
    let object = route.object();
    let found = findings.into_list();
    diagnostics.extend(found.iter().map(|f| f.at(format_args!("routes[{index}]"), &object)));
}
