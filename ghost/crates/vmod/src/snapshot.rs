//! A configuration ready to route: index, rules and services.

use std::collections::HashMap;
use std::sync::Arc;

use ghost_config::{Config, Route, Rule};
use ghost_route::{Chosen, Decision, Router};
use ghost_upstream::{ServiceSpec, Services, Upstream};

use crate::rule_handle::{Caching, RuleHandle};

/// Everything that requests are routed by. Immutable; a reload makes another.
pub struct Snapshot {
    router: Router,
    services: Arc<Services>,
    /// By their numbers: route by route as in the configuration, and behind them those of routes that have other cache
    /// policies at a listener.
    rules: Box<[Arc<RuleHandle>]>,
    /// Where the rules of a route are that has other cache policies at a listener, by route and listener.
    at_listener: HashMap<(usize, usize), usize>,
    /// Number of the first rule of each route.
    first: Box<[usize]>,
    /// The namespaces whose routes cache anything, now or in a configuration before, each with its rules that share objects
    /// in a zone.
    caching: HashMap<Box<str>, Vec<Arc<RuleHandle>>>,
    /// The fields of tags that the policies of each zone name.
    tags_fields: HashMap<Box<str>, Vec<Box<[u8]>>>,
}

/// A configuration with its index, of which the upstream knows nothing yet.
pub struct Prepared {
    router: Router,
}

impl Prepared {
    /// Makes a configuration ready. What is indexed alike in the `previous` snapshot is shared with it.
    pub fn new(config: Config, previous: Option<&Snapshot>) -> Self {
        Self { router: Router::renew(Arc::new(config), previous.map(Snapshot::router)) }
    }

    /// Makes the upstream know its services, which nothing undoes: from now on requests that were routed
    /// before go to the new endpoints, too. Rules that stay keep their handles of the `previous` snapshot.
    pub fn enter(self, upstream: &Upstream, previous: Option<&Snapshot>) -> Snapshot {
        let config = self.router.config();
        let services = upstream.update(specs(config));
        let former = previous.map(Snapshot::by_identity).unwrap_or_default();
        let handle = |route: &Route, index: usize, caching: Caching<'_>| {
            let rule = &route.rules[index];
            // What is cached otherwise than before goes on with the turns of the backends.
            let former = former.get(caching.identity()).or_else(|| former.get(&*rule.id)).copied();
            RuleHandle::renew(former, config, &services, &route.id, index, rule, caching)
        };
        let everywhere = |route: &Arc<Route>| -> Box<[_]> {
            let caching = |rule: &Rule| Caching::everywhere(rule, config.cache_policy_of(rule));
            route.rules.iter().enumerate().map(|(index, rule)| handle(route, index, caching(rule))).collect()
        };
        let mut rules: Vec<_> = config.routes.iter().map(everywhere).collect();
        let mut at_listener = HashMap::new();
        for (at, route) in config.routes.iter().enumerate() {
            for attachment in route.attachments.iter().filter(|a| !a.cache_policies.is_empty()) {
                let listener = &*attachment.listener;
                let Some(number) = config.listeners.iter().position(|l| &*l.name == listener) else {
                    continue;
                };
                let handles = route.rules.iter().zip(&attachment.cache_policies).enumerate();
                let handles = handles.map(|(index, (rule, id))| {
                    let policy = id.as_deref().and_then(|id| config.cache_policy(id));
                    handle(route, index, Caching::at_listener(rule, policy, listener))
                });
                at_listener.insert((at, number), rules.len());
                rules.push(handles.collect());
            }
        }
        let first = rules.iter().scan(0, |next, rules| Some(std::mem::replace(next, *next + rules.len())));
        let first = first.collect();
        let rules: Box<[_]> = rules.into_iter().flatten().collect();
        // What was stored before is found again once its rule has a policy again.
        let known = previous.into_iter().flat_map(|previous| previous.caching.keys().cloned());
        let mut caching: HashMap<_, Vec<_>> = known.map(|namespace| (namespace, Vec::new())).collect();
        for rule in rules.iter().filter(|rule| rule.cache_policy().is_some()) {
            let zoned = caching.entry(rule.namespace().into()).or_default();
            if rule.zone().is_some() {
                zoned.push(Arc::clone(rule));
            }
        }
        let mut tags_fields: HashMap<Box<str>, Vec<Box<[u8]>>> = HashMap::new();
        for rule in caching.values().flatten() {
            let field = rule.cache_policy().and_then(|policy| policy.policy.storage.tags_header.as_ref());
            let (Some(zone), Some(field)) = (rule.zone(), field) else { continue };
            let known = tags_fields.entry(zone.into()).or_default();
            if !known.contains(field) {
                known.push(field.clone());
            }
        }
        Snapshot { router: self.router, services, rules, first, at_listener, caching, tags_fields }
    }
}

impl Snapshot {
    /// The router.
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        self.router.config()
    }

    /// The services of the configuration.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// What was chosen, with the cache policies of the listener that the request came by. It is for this snapshot's own
    /// functions: the router does not know it.
    pub fn at_listener(&self, chosen: Chosen, decision: &Decision) -> Chosen {
        let route = decision.listener.and_then(|listener| self.at_listener.get(&(chosen.route, listener)));
        Chosen { route: route.copied().unwrap_or(chosen.route), ..chosen }
    }

    /// The rule that was chosen.
    pub fn rule(&self, chosen: &Chosen) -> &Arc<RuleHandle> {
        &self.rules[self.number(chosen)]
    }

    /// Number of the chosen rule among those of all routes.
    pub fn number(&self, chosen: &Chosen) -> usize {
        self.first[chosen.route] + chosen.rule
    }

    /// Every rule, by its number.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<RuleHandle>> {
        self.rules.iter()
    }

    /// Whether routes of this namespace cache anything, or did.
    pub fn caches(&self, namespace: &str) -> bool {
        self.caching.contains_key(namespace)
    }

    /// The rules of the namespace that share objects in a zone.
    pub fn zoned(&self, namespace: &str) -> &[Arc<RuleHandle>] {
        self.caching.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// The fields of tags that the policies of a zone name.
    pub fn tags_fields(&self, zone: &str) -> &[Box<[u8]>] {
        self.tags_fields.get(zone).map_or(&[], Vec::as_slice)
    }

    /// By their identities in the cache, each of which one rule has, or one rule at one listener.
    fn by_identity(&self) -> HashMap<&str, &Arc<RuleHandle>> {
        self.rules().map(|handle| (handle.cache_identity(), handle)).collect()
    }
}

/// Of two services with one ID, the first is used.
fn specs(config: &Config) -> impl Iterator<Item = ServiceSpec> + '_ {
    let used = config
        .services
        .iter()
        .filter(|service| config.service(&service.id).is_some_and(|known| Arc::ptr_eq(known, service)));
    used.map(|service| ServiceSpec {
        id: Arc::clone(&service.id),
        endpoints: service.endpoints.iter().copied().map(Into::into).collect(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;

    use ghost_upstream::Settings;

    use super::*;

    const FEATURES: &str = include_str!("../tests/json/features.json");

    fn fixture() -> String {
        FEATURES.replace("PORT1", "8081").replace("PORT2", "8082")
    }

    fn snapshot(json: &str, upstream: &Upstream, previous: Option<&Snapshot>) -> Snapshot {
        let loaded = ghost_config::load(json.as_bytes(), previous.map(Snapshot::config));
        Prepared::new(loaded.expect("the fixture is sound").config, previous).enter(upstream, previous)
    }

    fn rule(snapshot: &Snapshot, id: &str) -> Arc<RuleHandle> {
        let found = snapshot.rules().find(|handle| &*handle.rule().id == id);
        Arc::clone(found.unwrap_or_else(|| panic!("the fixture has the rule {id}")))
    }

    #[test]
    fn rules_are_numbered_as_they_are_listed() {
        let snapshot = snapshot(&fixture(), &Upstream::new(Settings::default()), None);
        for (route, record) in snapshot.config().routes.iter().enumerate() {
            for rule in 0..record.rules.len() {
                let chosen = Chosen { route, rule, match_index: 0 };
                let numbered = snapshot.rules().nth(snapshot.number(&chosen)).expect("a rule of this number");
                assert!(Arc::ptr_eq(numbered, snapshot.rule(&chosen)));
            }
        }
    }

    #[test]
    fn a_namespace_that_has_cached_is_known_from_then_on() {
        let upstream = Upstream::new(Settings::default());
        let cached = include_str!("../tests/json/zone.json").replace("PORT", "8081");
        let before = snapshot(&cached, &upstream, None);
        let zoned: Vec<_> = before.zoned("shop").iter().map(|rule| &*rule.rule().id).collect();
        assert_eq!(zoned, ["0001/old", "0001/beta", "0001/new"]);
        let after = snapshot(&fixture(), &upstream, Some(&before));
        assert_eq!((before.caches("shop"), before.caches("other")), (true, false));
        assert_eq!((after.caches("shop"), after.zoned("shop").len()), (true, 0));
    }

    #[test]
    fn only_matches_that_make_no_difference_share_a_director() {
        let snapshot = snapshot(&fixture(), &Upstream::new(Settings::default()), None);
        // Two matches, and a prefix to replace.
        let rewrite = rule(&snapshot, "0003/rewrite-prefix");
        assert_eq!((rewrite.directors(), rewrite.director(0), rewrite.director(1)), (2, 0, 1));
        let split = rule(&snapshot, "0004/split");
        assert_eq!((split.directors(), split.director(0)), (1, 0));
    }

    #[test]
    fn a_reload_goes_on_with_the_turns_where_they_were() {
        let upstream = Upstream::new(Settings::default());
        let before = snapshot(&fixture(), &upstream, None);
        let pick = |snapshot: &Snapshot| rule(snapshot, "0004/split").pick().map(|picked| picked.index);
        let first: Vec<_> = (0..2).map(|_| pick(&before)).collect();
        // The rule is another, its weights are the same.
        let changed = fixture().replace(r#""value": "/split""#, r#""value": "/parted""#);
        let after = snapshot(&changed, &upstream, Some(&before));
        assert!(!Arc::ptr_eq(&rule(&before, "0004/split"), &rule(&after, "0004/split")));
        let mut picks: Vec<_> = first.into_iter().chain((2..4).map(|_| pick(&after))).collect();
        picks.sort();
        assert_eq!(picks, [Some(0), Some(0), Some(0), Some(1)]);
    }

    #[test]
    fn a_rule_is_the_same_over_reloads_until_it_or_its_services_change() {
        let upstream = Upstream::new(Settings::default());
        let before = snapshot(&fixture(), &upstream, None);
        let stays = |json: &str, id: &str| {
            let after = snapshot(json, &upstream, Some(&before));
            Arc::ptr_eq(&rule(&before, id), &rule(&after, id))
        };
        assert!(stays(&fixture(), "0004/split"), "nothing has changed");
        let endpoint = fixture().replace("8081", "9091");
        assert!(stays(&endpoint, "0004/split"), "an endpoint has changed");
        let neighbour = fixture().replace(r#""value": "/half""#, r#""value": "/halves""#);
        assert!(stays(&neighbour, "0004/split"), "another rule of the route has changed");
        assert!(!stays(&neighbour, "0004/half-broken"), "it has changed itself");
        let gone = fixture().replace(r#"{"id": "a/two:80""#, r#"{"id": "a/other:80""#);
        assert!(!stays(&gone, "0004/split"), "one of its services has gone");
    }

    #[test]
    fn a_rule_that_is_held_keeps_no_snapshot() {
        let upstream = Upstream::new(Settings::default());
        let before = snapshot(&fixture(), &upstream, None);
        let config: Weak<Config> = Arc::downgrade(before.router().config());
        let handle = rule(&before, "0004/split");
        drop(before);
        assert_eq!(config.strong_count(), 0);
        assert_eq!(handle.rule().id.as_ref(), "0004/split");
    }

    #[test]
    fn a_configuration_that_is_only_prepared_changes_no_endpoint() {
        let upstream = Upstream::new(Settings::default());
        let before = snapshot(&fixture(), &upstream, None);
        let empty = ghost_config::load(br#"{"version": "1.0.0"}"#, Some(before.config())).expect("sound");
        let prepared = Prepared::new(empty.config, Some(&before));
        let addresses = || upstream.services().get("a/one:80").map(|service| service.endpoints().len());
        assert_eq!(addresses(), Some(1));
        drop(prepared.enter(&upstream, Some(&before)));
        assert_eq!(addresses(), None);
    }

    #[test]
    fn a_service_lives_on_over_a_reload() {
        let upstream = Upstream::new(Settings::default());
        let before = snapshot(&fixture(), &upstream, None);
        let after = snapshot(&fixture(), &upstream, Some(&before));
        let service =
            |snapshot: &Snapshot| Arc::clone(snapshot.services().get("a/one:80").expect("a service"));
        assert!(Arc::ptr_eq(&service(&before), &service(&after)));
    }

    #[test]
    fn an_answer_carries_the_filters_of_the_backend_that_gave_it() {
        let json = fixture().replace(
            r#"{"service": "a/two:80", "weight": 1},
            {"service": "a/none:80""#,
            r#"{"service": "a/two:80", "weight": 1, "filters": [{"type": "ResponseHeaderModifier",
                "responseHeaderModifier": {"remove": ["Server"]}}]},
            {"service": "a/none:80""#,
        );
        let split = rule(&snapshot(&json, &Upstream::new(Settings::default()), None), "0004/split");
        let carried: Vec<_> = (0..4).filter_map(|_| split.pick()?.carried).collect();
        assert_eq!(carried.len(), 1, "one of four is picked of the backend with the filter");
        let own = &split.rule().backends[1].filters.response_headers[..];
        let expected = ghost_route::plan::ResponsePlan::of_rule(&split.rule().filters).with_backend(own);
        assert_eq!(split.plan(Some(carried[0].as_bytes())), expected);
        let plain = ghost_route::plan::ResponsePlan::of_rule(&split.rule().filters);
        for nothing in [None, Some(&b""[..]), Some(b"[]"), Some(b"no JSON")] {
            assert_eq!(split.plan(nothing), plain, "{nothing:?}");
        }
        // Of another rule, or of a configuration that is gone.
        assert_ne!(split.plan(Some(br#"[{"remove": ["Via"]}]"#)), plain);
    }
}
