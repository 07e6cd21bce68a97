//! Rules and their backends.

use std::sync::Arc;

use crate::diagnostic::Findings;
use crate::needs;
use crate::{Filters, Match, PathMatch, wire};

/// The heaviest weight, as the Gateway API has it.
const MAX_WEIGHT: u32 = 1_000_000;

/// One rule of a route: a request that fits any of the matches is served by the backends.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Outlives reloads and reordering: cache objects, connection pools and metrics are identified by it.
    pub id: Arc<str>,
    /// Matches of which any one suffices, at their places in the file; `None` never matches.
    pub matches: Vec<Option<Match>>,
    /// Filters of every request that fits.
    pub filters: Filters,
    /// Backends to choose from by weight.
    pub backends: Vec<Backend>,
    /// ID of the policy by which answers are cached; none where requests are passed.
    pub cache_policy: Option<Arc<str>>,
    /// Why the rule can only answer 500; `None` where it is sound.
    pub fault: Option<Box<str>>,
}

/// One backendRef of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Backend {
    /// ID of an entry of the service table; empty where there is a fault.
    pub service: Arc<str>,
    /// Share of the sum of all weights; 0 gets nothing.
    pub weight: u32,
    /// Filters that apply after the rule's, to requests that go to this backend.
    pub filters: Filters,
    /// Why this backend's share answers 500; `None` where it is sound.
    pub fault: Option<Box<str>>,
    /// Whether the fault was the writer's finding, so that naming no service is no further one.
    pub(crate) invalid: bool,
}

impl Rule {
    pub(crate) fn compile(wire: wire::Rule, findings: &mut Findings) -> Self {
        let mut fault = (!wire.invalid.is_empty()).then(|| wire.invalid.into());
        if wire.id.is_empty() {
            findings.field("id", |f| f.note("the rule has no identity, so it answers 500"));
            fault.get_or_insert("it has no identity".into());
        }
        if let Some(unmet) = needs::unmet(&wire.needs, findings) {
            fault.get_or_insert(unmet);
        }
        if wire.matches.is_empty() {
            findings.field("matches", |f| f.note("there is no match, so this rule never matches"));
        }
        let prefixes = wire.matches.iter().all(|m| m.path.r#type == "PathPrefix");
        let matches = each(wire.matches, "matches", findings, Match::compile);
        let filters = Filters::compile(wire.filters, prefixes, findings).unwrap_or_else(|| {
            fault.get_or_insert("one of its filters is unknown or broken".into());
            Filters::default()
        });
        let backends = each(wire.backends, "backends", findings, |b, f| Backend::compile(b, prefixes, f));
        let cache_policy = (!wire.cache_policy.is_empty()).then(|| wire.cache_policy.into());
        Self { id: wire.id.into(), matches, filters, backends, cache_policy, fault }
    }

    /// What of the path makes a request fit this match, in the form for comparison; empty where it is no
    /// PathPrefix.
    pub fn prefix(&self, match_index: usize) -> &[u8] {
        match self.matches.get(match_index).and_then(Option::as_ref).map(|found| &found.path) {
            Some(PathMatch::Prefix(prefix)) => prefix,
            _ => b"",
        }
    }

    /// Whether there is a backend to choose.
    pub fn has_weight(&self) -> bool {
        self.backends.iter().any(|backend| backend.weight > 0)
    }
}

impl Backend {
    fn compile(wire: wire::Backend, prefixes: bool, findings: &mut Findings) -> Self {
        let invalid = !wire.invalid.is_empty();
        let mut fault: Option<Box<str>> = invalid.then(|| wire.invalid.into());
        if wire.service.is_empty() && fault.is_none() {
            findings.field("service", |f| f.note("the backend names no service, so its share answers 500"));
            fault = Some("it names no service".into());
        }
        let weight = u32::try_from(wire.weight).ok().filter(|w| *w <= MAX_WEIGHT).unwrap_or_else(|| {
            let message = format!("{} is not from 0 to {MAX_WEIGHT}, so this weighs nothing", wire.weight);
            findings.field("weight", |f| f.note(message));
            0
        });
        if let Some(unmet) = needs::unmet(&wire.needs, findings) {
            fault.get_or_insert(unmet);
        }
        let filters = Filters::compile(wire.filters, prefixes, findings).unwrap_or_else(|| {
            fault.get_or_insert("one of its filters is unknown or broken".into());
            Filters::default()
        });
        Self { service: wire.service.into(), weight, filters, fault, invalid }
    }
}

/// Compiles every element of a list at its own place.
pub(crate) fn each<W, T>(
    wire: Vec<W>,
    list: &str,
    findings: &mut Findings,
    compile: impl Fn(W, &mut Findings) -> T,
) -> Vec<T> {
    let element = |(index, record)| findings.element(list, index, |f| compile(record, f));
    wire.into_iter().enumerate().map(element).collect()
}
