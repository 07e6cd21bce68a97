//! The queries of one path.
//!
//! Which queries have the same key is a matter of the policy that asks. So there is an index for each way to compare them,
//! which the first lookup makes and later ones complete: a lookup costs one hash, however many queries were noted.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use crate::asked::Asked;
use crate::entries::Entry;
use crate::stamp::{Generation, Stamp};

/// A query as it was named; none without a question mark.
type Query = Option<Arc<[u8]>>;

/// How many queries of one path clients can have noted. One more, and all of the path is invalid, which RFC 9111 section
/// 4.4 allows.
pub(crate) const MOST_BY_REQUESTS: usize = 256;

/// How many ways to compare queries are kept for a path.
const MOST_INDEXES: usize = 8;

/// The invalidations of a path, by query.
#[derive(Debug, Default)]
pub(crate) struct Queries {
    /// What holds whatever the query.
    whole: Entry,
    noted: Vec<Noted>,
    /// Where each query is among them.
    by_query: HashMap<Query, usize>,
    /// How many of them a request has made.
    by_requests: usize,
    indexes: RwLock<Vec<Index>>,
}

#[derive(Debug)]
struct Noted {
    query: Query,
    entry: Entry,
    by_request: bool,
}

/// The queries by what of them is in a key.
#[derive(Debug)]
struct Index {
    /// The way in which they are compared.
    comparison: u64,
    /// The hash of each query, as far as they were looked at.
    hashes: Vec<u64>,
    /// Queries with one hash share a stamp: should they have different keys, too much is invalid.
    stamps: HashMap<u64, Stamp>,
}

impl Queries {
    /// Notes an invalidation whose objects have all expired by `until`.
    pub(crate) fn note(
        &mut self,
        query: Option<&[u8]>,
        (generation, soft): (Generation, bool),
        until: f64,
        by_request: bool,
    ) {
        let query: Query = query.map(Into::into);
        let at = match self.by_query.get(&query) {
            Some(at) => *at,
            None if by_request && self.by_requests == MOST_BY_REQUESTS => {
                return self.collapse(generation, until);
            }
            None => {
                self.by_query.insert(query.clone(), self.noted.len());
                self.by_requests += usize::from(by_request);
                self.noted.push(Noted { query, entry: Entry::default(), by_request });
                self.noted.len() - 1
            }
        };
        let entry = &mut self.noted[at].entry;
        entry.stamp.note(generation, soft);
        entry.until = entry.until.max(until);
        for index in self.indexes.get_mut().unwrap_or_else(PoisonError::into_inner) {
            if let Some(hash) = index.hashes.get(at) {
                index.stamps.entry(*hash).or_default().note(generation, soft);
            }
        }
    }

    /// Makes one entry of all.
    fn collapse(&mut self, generation: Generation, until: f64) {
        let until = self.entries().map(|entry| entry.until).fold(until, f64::max);
        let mut whole = Entry { stamp: self.whole.stamp, until };
        whole.stamp.note(generation, false);
        *self = Self { whole, ..Self::default() };
    }

    /// What holds for a query.
    pub(crate) fn stamp(&self, asked: &impl Asked, query: Option<&[u8]>) -> Stamp {
        if self.noted.is_empty() {
            return self.whole.stamp;
        }
        let comparison = asked.comparison();
        let hash = hash(asked, query);
        {
            let indexes = self.indexes.read().unwrap_or_else(PoisonError::into_inner);
            let index = indexes.iter().find(|index| index.comparison == comparison);
            if let Some(index) = index.filter(|index| index.hashes.len() == self.noted.len()) {
                return self.whole.stamp.and(index.stamp(hash));
            }
        }
        let mut indexes = self.indexes.write().unwrap_or_else(PoisonError::into_inner);
        let at = indexes.iter().position(|index| index.comparison == comparison).unwrap_or_else(|| {
            if indexes.len() == MOST_INDEXES {
                indexes.remove(0);
            }
            indexes.push(Index { comparison, hashes: Vec::new(), stamps: HashMap::new() });
            indexes.len() - 1
        });
        indexes[at].complete(asked, &self.noted);
        self.whole.stamp.and(indexes[at].stamp(hash))
    }

    /// Forgets what concerns no object any more. Returns whether anything is left.
    pub(crate) fn forget(&mut self, is_over: impl Fn(&Entry) -> bool) -> bool {
        if is_over(&self.whole) {
            self.whole = Entry::default();
        }
        if self.noted.iter().any(|noted| is_over(&noted.entry)) {
            self.noted.retain(|noted| !is_over(&noted.entry));
            let places = self.noted.iter().enumerate();
            self.by_query = places.map(|(at, noted)| (noted.query.clone(), at)).collect();
            self.by_requests = self.noted.iter().filter(|noted| noted.by_request).count();
            self.indexes = RwLock::default();
        }
        self.whole.is_set() || !self.noted.is_empty()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.noted.iter().map(|noted| &noted.entry).chain([&self.whole])
    }

    pub(crate) fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.noted.iter_mut().map(|noted| &mut noted.entry).chain([&mut self.whole])
    }

    /// The lengths of the queries that have entries.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = usize> {
        let whole = self.whole.is_set().then_some(0);
        self.noted.iter().map(|noted| noted.query.as_ref().map_or(0, |query| query.len())).chain(whole)
    }
}

impl Index {
    /// Looks at the queries that were noted since.
    fn complete(&mut self, asked: &impl Asked, noted: &[Noted]) {
        for Noted { query, entry, .. } in &noted[self.hashes.len()..] {
            let hash = hash(asked, query.as_deref());
            let stamp = self.stamps.entry(hash).or_default();
            *stamp = stamp.and(entry.stamp);
            self.hashes.push(hash);
        }
    }

    fn stamp(&self, hash: u64) -> Stamp {
        self.stamps.get(&hash).copied().unwrap_or_default()
    }
}

/// The hash of what of a query is in the key. Clients cannot know which queries share one.
fn hash(asked: &impl Asked, query: Option<&[u8]>) -> u64 {
    static SECRET: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    let mut hasher = SECRET.build_hasher();
    asked.hash_query(query, &mut hasher);
    hasher.finish()
}
