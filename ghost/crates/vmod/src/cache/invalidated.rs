//! What was invalidated, for the lookups of the process.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use ghost_cache::key;
use ghost_cache::tags;
use ghost_cache::url::Url;
use ghost_cache::zone;
use ghost_config::{CachePolicy, Filters};
use ghost_invalidation::{Asked, Generation, Invalidation, Label, Stamp, Table};
use ghost_route::target::{upstream, upstream_host};
use ghost_route::Headers;
use varnish::ffi::vrt_ctx;

use super::now;
use super::object::{Mark, Object};
use crate::gateway;
use crate::message::Message;
use crate::rule_handle::RuleHandle;
use crate::scratch;

/// How many entries the table holds before it gives up detail: some 100 MB of tags or URLs.
const LIMIT: usize = 1_000_000;

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::new(LIMIT));

/// How long a fetch may take, in seconds.
const LONGEST_FETCH: f64 = 86_400.0;

/// The generation of a fetch that begins now.
pub fn generation() -> Generation {
    TABLE.generation()
}

/// Whether anything was ever invalidated.
pub fn is_any() -> bool {
    TABLE.generation() != Generation::default()
}

/// Notes until when an object that is stored now is there at all.
pub fn note_end(end: f64) {
    let now = now();
    TABLE.note_life(end - now, now + LONGEST_FETCH);
}

/// Invalidates what was fetched up to now, also what rules of the namespace share by another URL.
pub fn invalidate(invalidation: &Invalidation) {
    note(invalidation);
    let running = gateway::running_now();
    let zoned = running.as_deref().map_or(&[][..], |running| running.zoned(&invalidation.namespace));
    let mut known = HashSet::new();
    for rule in zoned {
        let Some(zone) = rule.zone() else { continue };
        for subject in zone::subjects(zone, rule.rule(), &invalidation.subject) {
            if !known.contains(&subject) {
                note(&Invalidation { subject: subject.clone(), ..invalidation.clone() });
                known.insert(subject);
            }
        }
    }
}

fn note(invalidation: &Invalidation) {
    let now = now();
    TABLE.invalidate(invalidation, now, now + LONGEST_FETCH);
}

/// What was invalidated of the objects of a request, whatever their tags.
///
/// # Safety
/// `ctx` is the running client task's.
pub unsafe fn stamp(ctx: &vrt_ctx, rule: &RuleHandle, policy: &CachePolicy) -> Stamp {
    if !is_any() {
        return Stamp::default();
    }
    // SAFETY: as promised.
    let Some(req) = (unsafe { Message::new(ctx.http_req.0) }) else { return Stamp::default() };
    let asked = Request::new(rule, policy, req.field(b"host").unwrap_or_default(), req.url());
    TABLE.stamp(&asked)
}

/// What was invalidated of an object by its tags; in a zone, also by the route and the policies that it was stored by, and
/// by the tags that those name: another rule may ask for it.
pub fn of_object(
    rule: &RuleHandle,
    policy: &CachePolicy,
    object: &Object<'_>,
    generation: Generation,
) -> Stamp {
    let own = policy.policy.storage.tags_header.as_deref();
    let is_shared = rule.zone().is_some();
    if own.is_none() && !is_shared {
        return Stamp::default();
    }
    TABLE.of_labels(rule.namespace(), generation, || {
        let mark = object.mark().filter(|_| is_shared);
        let others = mark.into_iter().flat_map(Mark::tags_fields);
        let tags = own.into_iter().chain(others).flat_map(|field| {
            let values = object.lines().filter(move |(name, _)| name.eq_ignore_ascii_case(field));
            values.flat_map(|(_, value)| tags::words(value))
        });
        tags.map(Label::Tag).chain(mark.into_iter().flat_map(Mark::labels))
    })
}

/// The URLs and names by which a request's objects are known.
struct Request<'a> {
    namespace: &'a str,
    route: &'a str,
    policy: &'a CachePolicy,
    urls: Vec<Url>,
}

impl<'a> Request<'a> {
    fn new(rule: &'a RuleHandle, policy: &'a CachePolicy, host: &[u8], target: &[u8]) -> Self {
        let (namespace, route) = (rule.namespace(), rule.route_name());
        let mut urls = vec![Url::new(host, target)];
        let filters = &rule.rule().filters;
        let none = Filters::none();
        // Which backend an object came from is not known.
        let backends = rule.rule().backends.iter().map(|backend| &backend.filters);
        let backends: Vec<_> =
            std::iter::once(&none).chain(backends.filter(|filters| zone::rewrites(filters))).collect();
        for (match_index, _) in rule.rule().matches.iter().enumerate() {
            let prefix = rule.rule().prefix(match_index);
            let rewritten = backends.iter().map(|backend| {
                scratch::with(|buffers| {
                    let (scratch, out) = (&mut buffers.route, &mut buffers.target);
                    let url = upstream(target, filters, backend, prefix, scratch, out);
                    Url::new(upstream_host(host, filters, backend), url)
                })
            });
            let shared = rule.zone().map(|zone| zone::url(zone, rule.rule(), prefix, host, target));
            for url in rewritten.chain(shared) {
                if !urls.contains(&url) {
                    urls.push(url);
                }
            }
        }
        Self { namespace, route, policy, urls }
    }
}

impl Asked for Request<'_> {
    fn namespace(&self) -> &str {
        self.namespace
    }

    fn route(&self) -> &str {
        self.route
    }

    fn has_policy(&self, name: &str) -> bool {
        let is_it = |policy: &str| policy.split_once('/') == Some((self.namespace, name));
        self.policy.policies.iter().any(|policy| is_it(policy))
    }

    fn urls(&self) -> impl Iterator<Item = (&[u8], &[u8], Option<&[u8]>)> {
        self.urls.iter().map(|url| (&url.host[..], &url.path[..], url.query.as_deref()))
    }

    fn comparison(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.policy.policy.key.query.hash(&mut hasher);
        hasher.finish()
    }

    fn hash_query(&self, query: Option<&[u8]>, hasher: &mut impl Hasher) {
        let policy = &self.policy.policy.key.query;
        scratch::with(|buffers| key::hash_query(policy, query, &mut buffers.key, hasher));
    }
}

/// Whether there can be objects of routes of the rule's namespace.
pub fn are_there(rule: &RuleHandle) -> bool {
    gateway::running_now().as_deref().is_some_and(|running| running.caches(rule.namespace()))
}

/// Invalidates the objects of a URL that a request of an unsafe method has changed (RFC 9111 section 4.4), as far as
/// they belong to routes of the same namespace.
pub fn changed(rule: &RuleHandle, host: &[u8], target: &[u8]) {
    let url = Url::new(host, target);
    invalidate(&Invalidation {
        namespace: rule.namespace().into(),
        subject: url.into(),
        soft: false,
        by_request: true,
    });
}
