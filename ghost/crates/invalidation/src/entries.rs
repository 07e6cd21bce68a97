//! What was invalidated in one namespace.

use std::collections::HashMap;

use crate::asked::{Asked, Label};
use crate::invalidation::{Invalidation, Subject, entry_size};
use crate::prefixes::Prefixes;
use crate::queries::Queries;
use crate::stamp::{Generation, Stamp};

/// The last invalidations of one subject.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry {
    pub stamp: Stamp,
    /// When the last object that it may concern has expired, in seconds.
    pub until: f64,
}

impl Entry {
    /// Whether it is the entry of any invalidation.
    pub(crate) fn is_set(&self) -> bool {
        self.stamp != Stamp::default()
    }
}

/// The entries of one namespace.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    all: Entry,
    hosts: HashMap<Box<[u8]>, Host>,
    tags: HashMap<Box<[u8]>, Entry>,
    routes: HashMap<Box<str>, Entry>,
    policies: HashMap<Box<str>, Entry>,
    /// The last of what objects are known by, whatever asks for them ([`Label`]).
    last_label: Generation,
}

#[derive(Debug, Default)]
struct Host {
    whole: Entry,
    /// By path, since queries have many spellings.
    urls: HashMap<Box<[u8]>, Queries>,
    prefixes: Prefixes,
}

impl Host {
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        let urls = self.urls.values().flat_map(Queries::entries);
        urls.chain(self.prefixes.entries()).chain([&self.whole])
    }

    /// As how many entries it counts, by the length of its name.
    fn size(&self, name: usize) -> usize {
        let urls = self
            .urls
            .iter()
            .flat_map(|(path, queries)| queries.lengths().map(move |length| name + path.len() + length));
        let prefixes = self.prefixes.lengths().map(|length| name + length);
        let whole = self.whole.is_set().then_some(name);
        urls.chain(prefixes).chain(whole).map(entry_size).sum()
    }

    fn collapse(&mut self, generation: Generation) {
        let until = self.entries().map(|entry| entry.until).fold(0.0, f64::max);
        *self = Self { whole: Entry { stamp: self.whole.stamp, until }, ..Self::default() };
        self.whole.stamp.note(generation, false);
    }
}

impl Entries {
    /// Notes an invalidation whose objects have all expired by `until`.
    pub(crate) fn note(&mut self, invalidation: &Invalidation, generation: Generation, until: f64) {
        let Invalidation { subject, soft, by_request, .. } = invalidation;
        if matches!(subject, Subject::Tag(_) | Subject::Route(_) | Subject::Policy(_)) {
            self.last_label = generation;
        }
        let entry = match subject {
            Subject::All => &mut self.all,
            Subject::Tag(tag) => self.tags.entry(tag.clone()).or_default(),
            Subject::Route(name) => self.routes.entry(name.clone()).or_default(),
            Subject::Policy(name) => self.policies.entry(name.clone()).or_default(),
            Subject::Host(host) => &mut self.host(host).whole,
            Subject::Prefix { host, prefix } => self.host(host).prefixes.entry(prefix),
            Subject::Url { host, path, query } => {
                let queries = self.host(host).urls.entry(path.clone()).or_default();
                return queries.note(query.as_deref(), (generation, *soft), until, *by_request);
            }
        };
        entry.stamp.note(generation, *soft);
        entry.until = entry.until.max(until);
    }

    fn host(&mut self, host: &[u8]) -> &mut Host {
        self.hosts.entry(host.into()).or_default()
    }

    /// What holds for the objects of a request, whatever their tags.
    pub(crate) fn stamp(&self, asked: &impl Asked) -> Stamp {
        let mut stamp = self.all.stamp;
        if let Some(entry) = self.routes.get(asked.route()) {
            stamp = stamp.and(entry.stamp);
        }
        for (name, entry) in &self.policies {
            if asked.has_policy(name) {
                stamp = stamp.and(entry.stamp);
            }
        }
        if self.hosts.is_empty() {
            return stamp;
        }
        for (host, path, query) in asked.urls() {
            let Some(host) = self.hosts.get(host) else { continue };
            stamp = stamp.and(host.whole.stamp);
            if let Some(queries) = host.urls.get(path) {
                stamp = stamp.and(queries.stamp(asked, query));
            }
            stamp = stamp.and(host.prefixes.stamp(path));
        }
        stamp
    }

    /// What holds for an object with these labels.
    pub(crate) fn of_labels<'t>(&self, labels: impl Iterator<Item = Label<'t>>) -> Stamp {
        let found = labels.filter_map(|label| match label {
            Label::Tag(tag) => self.tags.get(tag),
            Label::Route(name) => self.routes.get(name),
            Label::Policy(name) => self.policies.get(name),
        });
        found.fold(Stamp::default(), |stamp, entry| stamp.and(entry.stamp))
    }

    /// The last invalidation of any label.
    pub(crate) fn last_label(&self) -> Generation {
        self.last_label
    }

    /// Remembers all until this time, at least.
    pub(crate) fn extend(&mut self, until: f64) {
        let extend = |entry: &mut Entry| entry.until = entry.until.max(until);
        let labels = self.tags.values_mut().chain(self.routes.values_mut()).chain(self.policies.values_mut());
        labels.chain([&mut self.all]).for_each(extend);
        for host in self.hosts.values_mut() {
            extend(&mut host.whole);
            host.urls.values_mut().flat_map(Queries::entries_mut).for_each(extend);
            host.prefixes.entries_mut().for_each(extend);
        }
    }

    /// Forgets what concerns no object any more. Returns whether anything is left.
    pub(crate) fn forget(&mut self, now: f64) -> bool {
        let is_over = |entry: &Entry| entry.until < now;
        if is_over(&self.all) {
            self.all = Entry::default();
        }
        self.tags.retain(|_, entry| !is_over(entry));
        self.routes.retain(|_, entry| !is_over(entry));
        self.policies.retain(|_, entry| !is_over(entry));
        self.hosts.retain(|_, host| {
            if is_over(&host.whole) {
                host.whole = Entry::default();
            }
            host.urls.retain(|_, queries| queries.forget(is_over));
            host.prefixes.forget(is_over);
            host.whole.is_set() || !host.urls.is_empty() || !host.prefixes.is_empty()
        });
        self.size() > 0
    }

    /// Gives up detail: every object of an earlier generation than this is gone, or every one of a host that has half of
    /// the entries or more.
    pub(crate) fn shrink(&mut self, generation: Generation) {
        let size = self.size();
        let sizes = self.hosts.iter_mut().map(|(name, host)| (host.size(name.len()), name.len(), host));
        match sizes.max_by_key(|(of_host, ..)| *of_host) {
            Some((of_host, name, host)) if 2 * of_host >= size && of_host > entry_size(name) => {
                host.collapse(generation);
            }
            _ => self.collapse(generation),
        }
    }

    fn collapse(&mut self, generation: Generation) {
        let until = self.latest_until();
        *self = Self { all: Entry { stamp: self.all.stamp, until }, ..Self::default() };
        self.all.stamp.note(generation, false);
    }

    fn latest_until(&self) -> f64 {
        let maps = self.tags.values().chain(self.routes.values()).chain(self.policies.values());
        let hosts = self.hosts.values().flat_map(Host::entries);
        maps.chain(hosts).chain([&self.all]).map(|entry| entry.until).fold(0.0, f64::max)
    }

    /// How many entries there are; one with a long name counts as several.
    pub(crate) fn size(&self) -> usize {
        let hosts: usize = self.hosts.iter().map(|(name, host)| host.size(name.len())).sum();
        let tags = self.tags.keys().map(|name| name.len());
        let names = self.routes.keys().chain(self.policies.keys()).map(|name| name.len());
        let all = self.all.is_set().then_some(0);
        hosts + tags.chain(names).chain(all).map(entry_size).sum::<usize>()
    }
}
