//! A configuration ready to route: index, weights and services.

use std::collections::HashMap;
use std::sync::Arc;

use ghost_config::{Config, Filters, PathModifier, Rule};
use ghost_route::{Chosen, Router};
use ghost_upstream::{Balancer, ServiceSpec, Services, Upstream};

/// Everything that requests are routed by. Immutable; a reload makes another.
pub struct Snapshot {
    prepared: Prepared,
    services: Arc<Services>,
}

/// A configuration with its index and weights, of which the upstream knows nothing yet.
pub struct Prepared {
    router: Router,
    /// By route and rule, as in the configuration.
    rules: Box<[Box<[RuleState]>]>,
}

/// What a rule needs beside its record.
struct RuleState {
    /// Chooses among the backends; none where none has a weight.
    balancer: Option<Arc<Balancer>>,
    /// Number of the rule among those of all routes.
    number: usize,
}

/// Where a director stands in a table of those of one configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Number of the rule.
    pub rule: usize,
    /// How many directors the rule can have.
    pub of: usize,
    /// Which of them it is.
    pub director: usize,
}

impl Prepared {
    /// Makes a configuration ready. Rules that stay go on with their turns where they are in `previous`.
    pub fn new(config: Config, previous: Option<&Snapshot>) -> Self {
        let balancers = previous.map(Snapshot::balancers).unwrap_or_default();
        let mut number = 0..;
        let mut state = |rule: &Rule| {
            let weights: Vec<u32> = rule.backends.iter().map(|backend| backend.weight).collect();
            let balancer = Balancer::renew(balancers.get(&*rule.id).copied(), &weights);
            RuleState { balancer, number: number.next().unwrap_or_default() }
        };
        let rules = config.routes.iter().map(|route| route.rules.iter().map(&mut state).collect()).collect();
        Self { router: Router::new(Arc::new(config)), rules }
    }

    /// Makes the upstream know its services, which nothing undoes: from now on requests that were routed
    /// before go to the new endpoints, too.
    pub fn enter(self, upstream: &Upstream) -> Snapshot {
        let services = upstream.update(specs(self.router.config()));
        Snapshot { prepared: self, services }
    }
}

impl Snapshot {
    /// The router.
    pub fn router(&self) -> &Router {
        &self.prepared.router
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        self.router().config()
    }

    /// The services of the configuration.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Index of the backend whose turn it is; none where the rule has no weight.
    pub fn pick(&self, chosen: &Chosen) -> Option<usize> {
        self.state(chosen).balancer.as_ref().map(|balancer| balancer.pick())
    }

    /// How many rules there are.
    pub fn rules(&self) -> usize {
        self.prepared.rules.iter().map(|rules| rules.len()).sum()
    }

    /// Where the director for a backend of the rule stands. Matches share it where they make no difference.
    pub fn place(&self, chosen: &Chosen, backend: usize) -> Place {
        let rule = self.router().rule(chosen);
        let per_match = replaces_prefix(&rule.filters)
            || rule.backends.get(backend).is_some_and(|backend| replaces_prefix(&backend.filters));
        let match_index = if per_match { chosen.match_index } else { 0 };
        let backends = rule.backends.len();
        Place {
            rule: self.state(chosen).number,
            of: rule.matches.len() * backends,
            director: match_index * backends + backend,
        }
    }

    fn state(&self, chosen: &Chosen) -> &RuleState {
        &self.prepared.rules[chosen.route][chosen.rule]
    }

    fn balancers(&self) -> HashMap<&str, &Arc<Balancer>> {
        let routes = self.config().routes.iter().zip(&self.prepared.rules);
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
        Prepared::new(loaded.config, previous).enter(upstream)
    }

    fn every_choice(config: &Config) -> Vec<(Chosen, usize)> {
        let mut choices = Vec::new();
        for (route, record) in config.routes.iter().enumerate() {
            for (rule, record) in record.rules.iter().enumerate() {
                for match_index in 0..record.matches.len() {
                    let chosen = Chosen { route, rule, match_index };
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
        let places: HashSet<Place> = choices.iter().map(|(c, b)| snapshot.place(c, *b)).collect();
        assert!(places.iter().all(|place| place.rule < snapshot.rules() && place.director < place.of));
        // The two matches of the rule that replaces the prefix have a director each.
        let distinct = |(chosen, _): &&(Chosen, usize)| {
            let rule = snapshot.router().rule(chosen);
            chosen.match_index == 0 || replaces_prefix(&rule.filters)
        };
        assert_eq!(places.len(), choices.iter().filter(distinct).count());
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
    fn a_configuration_that_is_only_prepared_changes_no_endpoint() {
        let upstream = Upstream::new(Settings::default());
        let before = snapshot(&upstream, None);
        let empty = ghost_config::load(br#"{"version": "1.0.0"}"#, Some(before.config())).expect("sound");
        let prepared = Prepared::new(empty.config, Some(&before));
        let addresses = || upstream.services().get("a/one:80").map(|service| service.endpoints().len());
        assert_eq!(addresses(), Some(1));
        drop(prepared.enter(&upstream));
        assert_eq!(addresses(), None);
    }

    #[test]
    fn a_service_lives_on_over_a_reload() {
        let upstream = Upstream::new(Settings::default());
        let before = snapshot(&upstream, None);
        let after = snapshot(&upstream, Some(&before));
        let service =
            |snapshot: &Snapshot| Arc::clone(snapshot.services().get("a/one:80").expect("a service"));
        assert!(Arc::ptr_eq(&service(&before), &service(&after)));
    }
}
