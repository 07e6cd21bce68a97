//! A rule as requests hold it, from their routing to their end.
//!
//! A handle outlives the configuration that it was made for, and is the same in the next one as long as neither
//! the rule nor where its backends go has changed. So a long download keeps one rule, not one router for each
//! reload.

use std::ffi::CStr;
use std::sync::Arc;

use ghost_cache::key::rule_identity;
use ghost_cache::zone;
use ghost_config::{Backend, CachePolicy, Config, Filters, HeaderModifier, PathModifier, Rule};
use ghost_route::plan::ResponsePlan;
use ghost_route::{Answer, Why};
use ghost_upstream::{Balancer, Service, Services};
use smallvec::SmallVec;

use crate::cache::statistics::{self, RuleCounters};

/// A rule with the services that its backends name.
pub struct RuleHandle {
    rule: Arc<Rule>,
    name: String,
    /// Namespace and name of the route: "namespace/name".
    route: String,
    cache_policy: Option<Arc<CachePolicy>>,
    /// What the cache does for it; none where it has no policy.
    cache_counters: Option<Arc<RuleCounters>>,
    /// Whose objects its requests share, where they share none in a zone.
    cache_identity: Box<str>,
    /// Whose they share in the zone of its policy.
    zone: Option<Box<str>>,
    labels: RuleLabels,
    shares: Shares,
    /// Picks among the backends; none where none has a weight.
    balancer: Option<Arc<Balancer>>,
}

/// How answers to the requests of a rule are cached.
pub struct Caching<'a> {
    policy: Option<&'a Arc<CachePolicy>>,
    identity: Box<str>,
}

impl<'a> Caching<'a> {
    /// By this policy at all listeners; by none, requests are passed.
    pub fn everywhere(rule: &Rule, policy: Option<&'a Arc<CachePolicy>>) -> Self {
        Self { policy, identity: rule_identity(&rule.id, None).into() }
    }

    /// By this policy at one listener, where the policies of listeners differ.
    pub fn at_listener(rule: &Rule, policy: Option<&'a Arc<CachePolicy>>, listener: &str) -> Self {
        Self { policy, identity: rule_identity(&rule.id, Some(listener)).into() }
    }

    /// Whose objects the requests share, where the policy names no zone.
    pub fn identity(&self) -> &str {
        &self.identity
    }
}

/// What is said of a rule in every request that fits it: one text, so that all of it comes into the processor's caches
/// at once.
pub struct RuleLabels {
    /// The header line and its NUL, the record of the route, and that of the rule.
    text: Box<str>,
    /// Where the record of the route begins.
    log_route: usize,
    /// Where the record of the rule begins.
    log_rule: usize,
}

impl RuleLabels {
    fn new(route: &str, rule: &Rule) -> Self {
        // A NUL could only come from a broken configuration.
        let route = route.replace('\0', "?");
        let header = format!("X-Gateway-Route: {route}\0");
        let log_route = format!("ghost_route: {route}");
        let log_rule = format!("ghost_rule: {}", rule.id);
        Self {
            text: [&*header, &*log_route, &*log_rule].concat().into(),
            log_route: header.len(),
            log_rule: header.len() + log_route.len(),
        }
    }

    /// The header line "X-Gateway-Route: NAMESPACE/NAME".
    pub fn header(&self) -> &CStr {
        CStr::from_bytes_until_nul(self.text.as_bytes()).unwrap_or_default()
    }

    /// The record of the log that names the route.
    pub fn log_route(&self) -> &str {
        &self.text[self.log_route..self.log_rule]
    }

    /// The record of the log that names the rule.
    pub fn log_rule(&self) -> &str {
        &self.text[self.log_rule..]
    }
}

/// By backend. Most rules have one, whose share is one piece of memory with the rule.
type Shares = SmallVec<[Share; 1]>;

/// What becomes of the requests that a backend is picked for.
pub struct Share {
    destination: Destination,
    /// The record of the log that names the service; empty where there is none.
    log_service: String,
    /// What an object says of the response filters of this backend; none where it has no filter.
    carried: Option<Box<str>>,
}

/// Where the requests of a share go.
pub enum Destination {
    /// To this service.
    Service(Arc<Service>),
    /// Back to the client, by the redirect of the backend's filters.
    Redirect,
    /// The gateway answers by itself.
    Answer(Answer),
}

/// A backend that was picked.
pub struct PickedBackend<'h> {
    /// Its record.
    pub backend: &'h Backend,
    /// Where the request goes.
    pub destination: &'h Destination,
    /// The record of the log that names its service.
    pub log_service: &'h str,
    /// What an object says of its response filters.
    pub carried: Option<&'h str>,
    /// Which of the rule's backends it is.
    pub index: usize,
}

impl RuleHandle {
    /// The handle of the rule at this index of a route; the `former` one if it is still right. Where it is not, the
    /// turns of the backends go on where they are.
    pub fn renew(
        former: Option<&Arc<Self>>,
        config: &Config,
        services: &Services,
        route: &str,
        index: usize,
        rule: &Arc<Rule>,
        caching: Caching<'_>,
    ) -> Arc<Self> {
        let shares: Shares = rule.backends.iter().map(|b| Share::new(config, services, b)).collect();
        let name = format!("{route}/{index}");
        let is_same = |former: &&Arc<Self>| {
            Arc::ptr_eq(&former.rule, rule)
                && former.name == name
                && former.cache_identity == caching.identity
                && former.cache_policy.as_ref().map(Arc::as_ptr) == caching.policy.map(Arc::as_ptr)
                && former.shares.iter().map(|s| &s.destination).eq(shares.iter().map(|s| &s.destination))
        };
        if let Some(former) = former.filter(is_same) {
            return Arc::clone(former);
        }
        let zone = caching.policy.and_then(|policy| policy.zone.as_deref()).and_then(|zone| {
            let namespace = route.split_once('/').map_or("", |(namespace, _)| namespace);
            zone::identity(zone, namespace, rule)
        });
        let weights: Vec<u32> = rule.backends.iter().map(|backend| backend.weight).collect();
        let balancer = Balancer::renew(former.and_then(|former| former.balancer.as_ref()), &weights);
        Arc::new(Self {
            rule: Arc::clone(rule),
            name,
            route: route.to_owned(),
            cache_policy: caching.policy.cloned(),
            cache_counters: caching.policy.map(|_| statistics::of(&rule.id)),
            cache_identity: caching.identity,
            zone: zone.map(Into::into),
            labels: RuleLabels::new(route, rule),
            shares,
            balancer,
        })
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// What is said of it.
    pub fn labels(&self) -> &RuleLabels {
        &self.labels
    }

    /// Namespace and name of its route: "namespace/name".
    pub fn route(&self) -> &str {
        &self.route
    }

    /// Namespace of its route.
    pub fn namespace(&self) -> &str {
        self.route.split_once('/').map_or("", |(namespace, _)| namespace)
    }

    /// Name of its route.
    pub fn route_name(&self) -> &str {
        self.route.split_once('/').map_or(&*self.route, |(_, name)| name)
    }

    /// The policy by which answers are cached; none where requests are passed.
    pub fn cache_policy(&self) -> Option<&Arc<CachePolicy>> {
        self.cache_policy.as_ref()
    }

    /// Where is counted what the cache does for it; none where it has no policy.
    pub fn cache_counters(&self) -> Option<&RuleCounters> {
        self.cache_counters.as_deref()
    }

    /// Whose objects its requests share, where they share none in a zone: those of the rule, or those of the rule at one
    /// listener.
    pub fn cache_identity(&self) -> &str {
        &self.cache_identity
    }

    /// Whose objects its requests share in a zone; none where they share none.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// Its name in Varnish: "namespace/name/index".
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The backend whose turn it is; none where none has a weight.
    pub fn pick(&self) -> Option<PickedBackend<'_>> {
        let index = self.balancer.as_ref()?.pick();
        let (backend, share) = (self.rule.backends.get(index)?, self.shares.get(index)?);
        Some(PickedBackend {
            backend,
            destination: &share.destination,
            log_service: &share.log_service,
            carried: share.carried.as_deref(),
            index,
        })
    }

    /// The services of the backends that have a weight, each by the index of its backend.
    pub fn services(&self) -> impl Iterator<Item = (usize, &Arc<Service>)> {
        let weighty =
            self.rule.backends.iter().zip(&self.shares).enumerate().filter(|(_, (b, _))| b.weight > 0);
        weighty.filter_map(|(index, (_, share))| match &share.destination {
            Destination::Service(service) => Some((index, service)),
            Destination::Redirect | Destination::Answer(_) => None,
        })
    }

    /// The answer to every request, where no backend with a weight is sound.
    pub fn answer(&self) -> Option<Answer> {
        let weighty = self.rule.backends.iter().zip(&self.shares).filter(|(backend, _)| backend.weight > 0);
        let mut answer = Some(Why::NoBackend.into());
        for (_, share) in weighty {
            match &share.destination {
                Destination::Answer(found) => answer = Some(*found),
                Destination::Service(_) | Destination::Redirect => return None,
            }
        }
        answer
    }

    /// How many directors the rule can have: matches share one where they make no difference.
    pub fn directors(&self) -> usize {
        if self.is_per_match() {
            self.rule.matches.len()
        } else {
            1
        }
    }

    /// Which of them is for a match.
    pub fn director(&self, match_index: usize) -> usize {
        if self.is_per_match() {
            match_index
        } else {
            0
        }
    }

    /// What is done to an answer that says this of the filters of its backend.
    pub fn plan(&self, carried: Option<&[u8]>) -> ResponsePlan<'_> {
        let plan = ResponsePlan::of_rule(&self.rule.filters);
        let Some(carried) = carried.filter(|carried| !carried.is_empty()) else { return plan };
        let is_it = |share: &Share| share.carried.as_ref().is_some_and(|own| own.as_bytes() == carried);
        match self.shares.iter().position(is_it) {
            Some(index) => plan.with_backend(&self.rule.backends[index].filters.response_headers),
            // The backend of another rule, or of a former configuration.
            None => plan.with_backend(HeaderModifier::from_json(carried).unwrap_or_default()),
        }
    }

    fn is_per_match(&self) -> bool {
        let filters = self.rule.backends.iter().map(|backend| &backend.filters);
        std::iter::once(&self.rule.filters).chain(filters).any(replaces_prefix)
    }
}

impl Share {
    fn new(config: &Config, services: &Services, backend: &Backend) -> Self {
        let filters = &backend.filters.response_headers;
        let carried = (!filters.is_empty()).then(|| HeaderModifier::to_json(filters).into());
        let destination = Destination::new(config, services, backend);
        let log_service = match &destination {
            Destination::Service(service) => format!("ghost_service: {}", service.id()),
            Destination::Redirect | Destination::Answer(_) => String::new(),
        };
        Self { destination, log_service, carried }
    }
}

impl Destination {
    fn new(config: &Config, services: &Services, backend: &Backend) -> Self {
        match config.service_of(backend).ok().and_then(|service| services.get(&service.id)) {
            None => Self::Answer(Why::Backend.into()),
            Some(_) if redirects(&backend.filters) => Self::Redirect,
            Some(service) => Self::Service(Arc::clone(service)),
        }
    }
}

impl PartialEq for Destination {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Service(one), Self::Service(other)) => Arc::ptr_eq(one, other),
            (Self::Redirect, Self::Redirect) => true,
            (Self::Answer(one), Self::Answer(other)) => one == other,
            _ => false,
        }
    }
}

fn redirects(filters: &Filters) -> bool {
    filters.redirect.is_some()
}

fn replaces_prefix(filters: &Filters) -> bool {
    let redirect = filters.redirect.as_ref().and_then(|redirect| redirect.path.as_ref());
    let modifiers = [filters.rewrite.path.as_ref(), redirect];
    modifiers.iter().flatten().any(|modifier| matches!(modifier, PathModifier::Prefix(_)))
}
