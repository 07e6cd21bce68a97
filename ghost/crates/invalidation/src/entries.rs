//! What was invalidated in one namespace.

use std::collections::HashMap;

use crate::asked::Asked;
use crate::invalidation::Subject;
use crate::prefixes::Prefixes;
use crate::stamp::{Generation, Stamp};

/// The last invalidations of one subject.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry {
    pub stamp: Stamp,
    /// When the last object that it may concern has expired, in seconds.
    pub until: f64,
}

/// The entries of one namespace.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    all: Entry,
    hosts: HashMap<Box<[u8]>, Host>,
    tags: HashMap<Box<[u8]>, Entry>,
    routes: HashMap<Box<str>, Entry>,
    policies: HashMap<Box<str>, Entry>,
    /// The last of all tags.
    last_tag: Generation,
}

/// A query as it was named; none without a question mark.
type Query = Option<Box<[u8]>>;

#[derive(Debug, Default)]
struct Host {
    whole: Entry,
    /// By path, since queries have many spellings.
    urls: HashMap<Box<[u8]>, Vec<(Query, Entry)>>,
    prefixes: Prefixes,
}

impl Entries {
    /// Notes an invalidation whose objects have all expired by `until`.
    pub(crate) fn note(&mut self, subject: &Subject, generation: Generation, soft: bool, until: f64) {
        let entry = self.entry(subject);
        entry.stamp.note(generation, soft);
        entry.until = entry.until.max(until);
        if matches!(subject, Subject::Tag(_)) {
            self.last_tag = generation;
        }
    }

    fn entry(&mut self, subject: &Subject) -> &mut Entry {
        match subject {
            Subject::All => &mut self.all,
            Subject::Tag(tag) => self.tags.entry(tag.clone()).or_default(),
            Subject::Route(name) => self.routes.entry(name.clone()).or_default(),
            Subject::Policy(name) => self.policies.entry(name.clone()).or_default(),
            Subject::Host(host) => &mut self.host(host).whole,
            Subject::Prefix { host, prefix } => self.host(host).prefixes.entry(prefix),
            Subject::Url { host, path, query } => {
                let queries = self.host(host).urls.entry(path.clone()).or_default();
                let index = queries.iter().position(|(known, _)| known == query).unwrap_or_else(|| {
                    queries.push((query.clone(), Entry::default()));
                    queries.len() - 1
                });
                &mut queries[index].1
            }
        }
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
            for (known, entry) in host.urls.get(path).into_iter().flatten() {
                if asked.is_same_query(known.as_deref(), query) {
                    stamp = stamp.and(entry.stamp);
                }
            }
            stamp = stamp.and(host.prefixes.stamp(path));
        }
        stamp
    }

    /// What holds for an object with these tags.
    pub(crate) fn of_tags<'t>(&self, tags: impl Iterator<Item = &'t [u8]>) -> Stamp {
        if self.tags.is_empty() {
            return Stamp::default();
        }
        let found = tags.filter_map(|tag| self.tags.get(tag));
        found.fold(Stamp::default(), |stamp, entry| stamp.and(entry.stamp))
    }

    /// The last invalidation of any tag.
    pub(crate) fn last_tag(&self) -> Generation {
        self.last_tag
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
            host.urls.retain(|_, queries| {
                queries.retain(|(_, entry)| !is_over(entry));
                !queries.is_empty()
            });
            host.prefixes.forget(is_over);
            host.whole.until >= now || !host.urls.is_empty() || host.prefixes.len() > 0
        });
        self.len() > 0
    }

    /// Gives up detail: every object of an earlier generation than this is gone.
    pub(crate) fn collapse(&mut self, generation: Generation) {
        let until = self.latest_until();
        *self = Self { all: Entry { stamp: self.all.stamp, until }, ..Self::default() };
        self.all.stamp.note(generation, false);
    }

    fn latest_until(&self) -> f64 {
        let maps = self.tags.values().chain(self.routes.values()).chain(self.policies.values());
        let hosts = self.hosts.values().flat_map(|host| {
            let urls = host.urls.values().flatten().map(|(_, entry)| entry);
            urls.chain(host.prefixes.entries()).chain([&host.whole])
        });
        maps.chain(hosts).chain([&self.all]).map(|entry| entry.until).fold(0.0, f64::max)
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        let is_set = |entry: &Entry| usize::from(entry.stamp != Stamp::default());
        let host = |host: &Host| {
            is_set(&host.whole) + host.urls.values().map(Vec::len).sum::<usize>() + host.prefixes.len()
        };
        let hosts: usize = self.hosts.values().map(host).sum();
        is_set(&self.all) + hosts + self.tags.len() + self.routes.len() + self.policies.len()
    }
}
