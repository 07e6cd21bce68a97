//! What the cache does, counted by rule.
//!
//! Counters belong to the rule's identity: they go on over reloads, and are the same at all listeners. A request is counted
//! once, at its end, by two additions to the rule's own memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use serde::Serialize;
use varnish::ffi::vrt_ctx;

use crate::counters::count;
use crate::snapshot::Snapshot;
use crate::task::ClientTask;

/// What became of a request for a rule with a cache policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// A fresh object answered.
    Hit,
    /// A stale object answered.
    Stale,
    /// The answer to another request, for which it waited, answered this one as well.
    Collapsed,
    /// A backend was asked, since there was no object, or the one that there was had to be asked about.
    Miss,
    /// As a miss, since the last answer was not stored: the request waited for no other one.
    HitForMiss,
    /// It was not looked up.
    Pass,
}

impl Handled {
    /// Whether no backend was asked for this request.
    fn is_from_cache(self) -> bool {
        matches!(self, Self::Hit | Self::Stale | Self::Collapsed)
    }
}

/// The counters of one rule. What a hit writes lies in one line of the processor's cache, and nothing else does.
#[derive(Default)]
#[repr(align(128))]
pub struct RuleCounters {
    hits: AtomicU64,
    served_bytes: AtomicU64,
    stale: AtomicU64,
    collapsed: AtomicU64,
    misses: AtomicU64,
    hits_for_miss: AtomicU64,
    passes: AtomicU64,
    /// Answers that said that what was stored still holds (304).
    pub revalidated: AtomicU64,
    /// Answers that were not stored since they were larger than the policy stores.
    pub too_large: AtomicU64,
    stored: AtomicU64,
    objects: AtomicU64,
    /// By which objects name the rule.
    number: u64,
}

impl RuleCounters {
    /// By which objects name the rule that has stored them, for the life of the process.
    pub fn number(&self) -> u64 {
        self.number
    }

    fn add(&self, handled: Handled, bytes: u64) {
        count(match handled {
            Handled::Hit => &self.hits,
            Handled::Stale => &self.stale,
            Handled::Collapsed => &self.collapsed,
            Handled::Miss => &self.misses,
            Handled::HitForMiss => &self.hits_for_miss,
            Handled::Pass => &self.passes,
        });
        if handled.is_from_cache() {
            self.served_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    fn read(&self, route: &str, rule: &str) -> RuleStatistics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RuleStatistics {
            route: route.into(),
            rule: rule.into(),
            hits: read(&self.hits),
            stale: read(&self.stale),
            collapsed: read(&self.collapsed),
            misses: read(&self.misses),
            hits_for_miss: read(&self.hits_for_miss),
            passes: read(&self.passes),
            served_bytes: read(&self.served_bytes),
            revalidated: read(&self.revalidated),
            too_large: read(&self.too_large),
            stored: read(&self.stored),
            objects: read(&self.objects),
        }
    }
}

/// The counters of all rules with a policy, and of those that are gone and still have objects.
#[derive(Default)]
struct Registry(RwLock<Known>);

#[derive(Default)]
struct Known {
    by_rule: HashMap<Box<str>, Arc<RuleCounters>>,
    by_number: HashMap<u64, Arc<RuleCounters>>,
    /// The last number that was given.
    last: u64,
}

impl Registry {
    fn of(&self, rule: &str) -> Arc<RuleCounters> {
        // A panic leaves the maps whole enough: a rule that is in one alone is counted without its objects.
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.by_rule.get(rule) {
            return Arc::clone(found);
        }
        known.last += 1;
        let new = Arc::new(RuleCounters { number: known.last, ..RuleCounters::default() });
        known.by_number.insert(new.number, Arc::clone(&new));
        known.by_rule.insert(rule.into(), Arc::clone(&new));
        new
    }

    /// Forgets rules that nobody holds, and that have no objects.
    fn tidy(&self) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Known { by_rule, by_number, .. } = &mut *known;
        // The two maps hold it.
        let is_used = |rule: &Arc<RuleCounters>| {
            Arc::strong_count(rule) > 2 || rule.objects.load(Ordering::Relaxed) > 0
        };
        by_rule.retain(|_, rule| {
            let is_used = is_used(rule);
            if !is_used {
                by_number.remove(&rule.number);
            }
            is_used
        });
    }

    fn with(&self, number: u64, change: impl FnOnce(&RuleCounters)) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(rule) = known.by_number.get(&number) {
            change(rule);
        }
    }

    fn stored(&self, number: u64) {
        self.with(number, |rule| {
            count(&rule.stored);
            count(&rule.objects);
        });
    }

    fn removed(&self, number: u64) {
        self.with(number, |rule| _ = rule.objects.fetch_sub(1, Ordering::Relaxed));
    }
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::default);

/// The counters of the rule with this ID.
pub fn of(rule: &str) -> Arc<RuleCounters> {
    REGISTRY.of(rule)
}

/// Forgets rules that are gone, and have no objects. To be called after a reload.
pub fn tidy() {
    REGISTRY.tidy();
}

/// An object of the rule with this number is there.
pub fn stored(number: u64) {
    REGISTRY.stored(number);
}

/// An object of the rule with this number is gone.
pub fn removed(number: u64) {
    REGISTRY.removed(number);
}

/// Counts a request that is over, once.
///
/// # Safety
/// `ctx` is the client task's.
pub unsafe fn count_request(ctx: &vrt_ctx, task: &ClientTask) {
    // What missed and never got to vcl_deliver was answered by VCL.
    let answered = || task.cache.miss.map(|_| Handled::Miss);
    let Some(handled) = task.cache.handled.take().or_else(answered) else { return };
    let Some(counters) = task.rule().and_then(|rule| rule.cache_counters()) else { return };
    // SAFETY: as promised.
    let bytes = unsafe { ctx.req.as_ref() }.map_or(0, |req| match req.esi_level {
        0 => req.acct.resp_bodybytes,
        // Its bytes are among those of the page that it is a part of.
        _ => 0,
    });
    counters.add(handled, bytes);
}

/// The answer to `GET /.varnish-ghost/cache`: the Go type `ghostconf.CacheStatistics` has this shape.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Statistics {
    /// The rules that have a cache policy, in order.
    pub rules: Vec<RuleStatistics>,
}

/// What the cache did for one rule since varnishd's child began.
#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
pub struct RuleStatistics {
    route: Box<str>,
    rule: Box<str>,
    hits: u64,
    stale: u64,
    collapsed: u64,
    misses: u64,
    hits_for_miss: u64,
    passes: u64,
    served_bytes: u64,
    revalidated: u64,
    too_large: u64,
    stored: u64,
    objects: u64,
}

/// What the cache did for each rule of a configuration that has a policy.
pub fn list(snapshot: &Snapshot) -> Statistics {
    let read = snapshot.rules().filter_map(|handle| {
        let id = &*handle.rule().id;
        // "UID/RULE"; the route's name says as much as its UID.
        let rule = id.split_once('/').map_or(id, |(_, rule)| rule);
        Some((handle.cache_counters()?.number, handle.cache_counters()?.read(handle.route(), rule)))
    });
    // A rule has one more handle for each listener with policies of its own.
    let rules: HashMap<u64, RuleStatistics> = read.collect();
    let mut rules: Vec<_> = rules.into_values().collect();
    rules.sort();
    Statistics { rules }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_by_what_became_of_it() {
        let counters = RuleCounters::default();
        let all = [
            Handled::Hit,
            Handled::Stale,
            Handled::Collapsed,
            Handled::Miss,
            Handled::HitForMiss,
            Handled::Pass,
        ];
        for (times, handled) in (1..).zip(all) {
            for _ in 0..times {
                counters.add(handled, 10);
            }
        }
        let read = counters.read("shop/web", "assets");
        let requests = [read.hits, read.stale, read.collapsed, read.misses, read.hits_for_miss, read.passes];
        assert_eq!(requests, [1, 2, 3, 4, 5, 6]);
        assert_eq!(read.served_bytes, 60, "of those that the cache answered");
    }

    #[test]
    fn counters_belong_to_the_identity_of_a_rule() {
        let registry = Registry::default();
        let one = registry.of("1/a");
        one.add(Handled::Hit, 1);
        assert!(Arc::ptr_eq(&one, &registry.of("1/a")));
        assert!(!Arc::ptr_eq(&one, &registry.of("1/b")));
    }

    #[test]
    fn a_rule_is_forgotten_when_it_is_gone_and_its_objects_are_too() {
        let registry = Registry::default();
        let handle = registry.of("1/held");
        let with_objects = registry.of("1/with objects").number();
        let gone = registry.of("1/gone").number();
        registry.stored(with_objects);
        registry.tidy();
        let numbers = |registry: &Registry| {
            let known = registry.0.read().expect("no panic");
            let mut numbers: Vec<_> = known.by_number.keys().copied().collect();
            numbers.sort_unstable();
            assert_eq!(known.by_rule.len(), numbers.len());
            numbers
        };
        assert_eq!(numbers(&registry), [handle.number(), with_objects]);
        // What was stored for a rule that is forgotten is nobody's.
        registry.stored(gone);
        registry.removed(gone);
        registry.removed(with_objects);
        registry.tidy();
        assert_eq!(numbers(&registry), [handle.number()]);
        assert!(registry.of("1/gone").number() > with_objects, "no number is given twice");
    }

    #[test]
    fn objects_come_and_go() {
        let registry = Registry::default();
        let rule = registry.of("1/a");
        registry.stored(rule.number());
        registry.stored(rule.number());
        registry.removed(rule.number());
        let read = rule.read("", "");
        assert_eq!((read.stored, read.objects), (2, 1));
    }
}
