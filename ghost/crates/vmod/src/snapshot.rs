//! A configuration ready to route: index, weights and services.

use std::collections::HashMap;
use std::sync::Arc;

use ghost_config::{Config, Filters, PathModifier, Rule};
use ghost_route::{Chosen, Router};
use ghost_upstream::{Balancer, Service, ServiceSpec, Services, Upstream};

/// Everything that requests are routed by. Immutable; a reload makes another.
pub struct Snapshot {
    router: Router,
    services: Arc<Services>,
    /// By route and rule, as in the configuration.
    rules: Box<[Box<[RuleState]>]>,
    directors: usize,
}

/// What a rule needs beside its record.
struct RuleState {
    /// Chooses among the backends; none where none has a weight.
    balancer: Option<Arc<Balancer>>,
    /// Number of the rule's first director.
    first: usize,
}

impl Snapshot {
    /// Makes a configuration ready, and the upstream know its services. Rules that stay go on with their
    /// turns where they are in `previous`.
    pub fn new(config: Config, upstream: &Upstream, previous: Option<&Snapshot>) -> Self {
        let services = upstream.update(specs(&config));
        let balancers = previous.map(Snapshot::balancers).unwrap_or_default();
        let mut directors = 0;
        let mut state = |rule: &Rule| {
            let weights: Vec<u32> = rule.backends.iter().map(|backend| backend.weight).collect();
            let first = directors;
            directors += rule.matches.len() * rule.backends.len();
            RuleState { balancer: Balancer::renew(balancers.get(&*rule.id).copied(), &weights), first }
        };
        let rules = config.routes.iter().map(|route| route.rules.iter().map(&mut state).collect()).collect();
        Self { router: Router::new(Arc::new(config)), services, rules, directors }
    }

    /// The router.
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        self.router.config()
    }

    /// A service of the configuration.
    pub fn service(&self, id: &str) -> Option<&Arc<Service>> {
        self.services.get(id)
    }

    /// Index of the backend whose turn it is; none where the rule has no weight.
    pub fn pick(&self, chosen: &Chosen) -> Option<usize> {
        self.rules[chosen.route][chosen.rule].balancer.as_ref().map(|balancer| balancer.pick())
    }

    /// How many directors there can be.
    pub fn directors(&self) -> usize {
        self.directors
    }

    /// Number of the director for a backend of the rule. Matches share it where they make no difference.
    pub fn director(&self, chosen: &Chosen, backend: usize) -> usize {
        let rule = self.router.rule(chosen);
        let per_match = replaces_prefix(&rule.filters)
            || rule.backends.get(backend).is_some_and(|backend| replaces_prefix(&backend.filters));
        let match_index = if per_match { chosen.match_index } else { 0 };
        self.rules[chosen.route][chosen.rule].first + match_index * rule.backends.len() + backend
    }

    fn balancers(&self) -> HashMap<&str, &Arc<Balancer>> {
        let routes = self.config().routes.iter().zip(&self.rules);
        let rules = routes.flat_map(|(route, states)| route.rules.iter().zip(states));
        rules.filter_map(|(rule, state)| Some((&*rule.id, state.balancer.as_ref()?))).collect()
    }
}

fn replaces_prefix(filters: &Filters) -> bool {
    matches!(filters.rewrite.path, Some(PathModifier::Prefix(_)))
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
    use std::collections::HashSet;

    use ghost_upstream::Settings;

    use super::*;

    const FEATURES: &str = include_str!("../tests/json/features.json");

    fn snapshot(upstream: &Upstream, previous: Option<&Snapshot>) -> Snapshot {
        let json = FEATURES.replace("PORT1", "8081").replace("PORT2", "8082");
        let loaded = ghost_config::load(json.as_bytes(), None).expect("the fixture is sound");
        Snapshot::new(loaded.config, upstream, previous)
    }

    fn every_choice(config: &Config) -> Vec<(Chosen, usize)> {
        let mut choices = Vec::new();
        for (route, record) in config.routes.iter().enumerate() {
            for (rule, record) in record.rules.iter().enumerate() {
                for match_index in 0..record.matches.len() {
                    let chosen = Chosen { route, rule, match_index, prefix: 0 };
                    choices.extend((0..record.backends.len()).map(|backend| (chosen, backend)));
                }
            }
        }
        choices
    }

    #[test]
    fn only_matches_that_make_no_difference_share_a_director() {
        let snapshot = snapshot(&Upstream::new(Settings::default()), None);
        let choices = every_choice(snapshot.config());
        let numbers: HashSet<usize> = choices.iter().map(|(c, b)| snapshot.director(c, *b)).collect();
        assert!(numbers.iter().all(|number| *number < snapshot.directors()));
        // The two matches of the rule that replaces the prefix have a director each.
        let distinct = |(chosen, _): &&(Chosen, usize)| {
            let rule = snapshot.router().rule(chosen);
            chosen.match_index == 0 || replaces_prefix(&rule.filters)
        };
        assert_eq!(numbers.len(), choices.iter().filter(distinct).count());
    }

    #[test]
    fn a_reload_goes_on_with_the_turns_where_they_were() {
        let upstream = Upstream::new(Settings::default());
        let before = snapshot(&upstream, None);
        let split = every_choice(before.config())
            .into_iter()
            .find(|(chosen, _)| &*before.router().rule(chosen).id == "0004/split")
            .expect("the fixture has a split")
            .0;
        let first: Vec<_> = (0..2).map(|_| before.pick(&split)).collect();
        let after = snapshot(&upstream, Some(&before));
        let rest = (2..4).map(|_| after.pick(&split));
        let mut picks: Vec<_> = first.into_iter().chain(rest).collect();
        picks.sort();
        assert_eq!(picks, [Some(0), Some(0), Some(0), Some(1)]);
    }

    #[test]
    fn a_service_lives_on_over_a_reload() {
        let upstream = Upstream::new(Settings::default());
        let before = snapshot(&upstream, None);
        let after = snapshot(&upstream, Some(&before));
        let service = |snapshot: &Snapshot| Arc::clone(snapshot.service("a/one:80").expect("a service"));
        assert!(Arc::ptr_eq(&service(&before), &service(&after)));
    }
}
