//! The table of a process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::asked::{Asked, Label};
use crate::entries::Entries;
use crate::invalidation::Invalidation;
use crate::stamp::{Generation, Stamp};

/// What was invalidated, for many threads.
#[derive(Debug)]
pub struct Table {
    /// The number of invalidations so far.
    generation: AtomicU64,
    content: RwLock<Content>,
    /// The longest life of any object so far, in seconds, as bits. It changes under the content's lock.
    life: AtomicU64,
    limit: usize,
}

#[derive(Debug, Default)]
struct Content {
    namespaces: HashMap<Box<str>, Entries>,
    /// How many entries there are, or more: each invalidation has one of its own until they are counted again.
    count: usize,
    /// The count at which they are counted again.
    next_count: usize,
}

impl Table {
    /// A table that holds about this many entries. Beyond, the namespace with the most gives up the detail of a host, or
    /// all of it.
    pub fn new(limit: usize) -> Self {
        let content = Content { next_count: limit.min(FIRST_COUNT), ..Content::default() };
        let content = RwLock::new(content);
        Self { generation: AtomicU64::new(0), content, life: AtomicU64::new(0), limit }
    }

    /// The generation that an object has whose fetch begins now.
    pub fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::Acquire))
    }

    /// Invalidates what was fetched up to now, and gives the generation from which on objects are right again. `now` and
    /// `stored` are in seconds; every object that is on its way now is stored by `stored`.
    pub fn invalidate(&self, invalidation: &Invalidation, now: f64, stored: f64) -> Generation {
        let mut content = self.write();
        let until = stored + self.life();
        // Whoever reads a generation from now on finds the entry, or waits for the lock.
        let generation = Generation(self.generation.fetch_add(1, Ordering::AcqRel) + 1);
        let entries = content.namespaces.entry(invalidation.namespace.clone()).or_default();
        entries.note(invalidation, generation, until);
        content.count += invalidation.subject.size();
        if content.count >= content.next_count {
            content.shrink(now, generation, self.limit);
        }
        generation
    }

    /// Notes that an object lives for so many seconds from now on. What it may have been invalidated by on its way is
    /// remembered for as long: every object that is on its way now is stored by `stored`.
    pub fn note_life(&self, seconds: f64, stored: f64) {
        if seconds <= self.life() {
            return;
        }
        let mut content = self.write();
        let known = self.life();
        if seconds <= known {
            return;
        }
        // Twice as long at least, so that this happens seldom.
        let life = seconds.max(2.0 * known);
        self.life.store(life.to_bits(), Ordering::Relaxed);
        content.namespaces.values_mut().for_each(|entries| entries.extend(stored + life));
    }

    /// What holds for the objects of a request, whatever their tags.
    pub fn stamp(&self, asked: &impl Asked) -> Stamp {
        if self.generation() == Generation::default() {
            return Stamp::default();
        }
        let content = self.read();
        content.namespaces.get(asked.namespace()).map_or_else(Stamp::default, |e| e.stamp(asked))
    }

    /// What holds for an object of a namespace with these labels, which are asked for only where one of an object of this
    /// generation can matter.
    pub fn of_labels<'t, T: Iterator<Item = Label<'t>>>(
        &self,
        namespace: &str,
        object: Generation,
        labels: impl FnOnce() -> T,
    ) -> Stamp {
        if object >= self.generation() {
            return Stamp::default();
        }
        let content = self.read();
        match content.namespaces.get(namespace) {
            Some(entries) if object < entries.last_label() => entries.of_labels(labels()),
            _ => Stamp::default(),
        }
    }

    /// Forgets what concerns no object any more at `now`.
    pub fn forget(&self, now: f64) {
        let mut content = self.write();
        content.forget(now);
    }

    /// How many entries there are; one with a long name counts as several.
    pub fn len(&self) -> usize {
        self.read().namespaces.values().map(Entries::size).sum()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn life(&self) -> f64 {
        f64::from_bits(self.life.load(Ordering::Relaxed))
    }

    fn read(&self) -> RwLockReadGuard<'_, Content> {
        self.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Content> {
        self.content.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of invalidations after which entries are counted for the first time.
const FIRST_COUNT: usize = 1024;

impl Content {
    fn shrink(&mut self, now: f64, generation: Generation, limit: usize) {
        self.forget(now);
        // Where the table is full, a quarter becomes free: else each further invalidation would count anew.
        let most = if self.count > limit { limit - limit / 4 } else { limit };
        while self.count > most {
            let Some(entries) = self.namespaces.values_mut().max_by_key(|entries| entries.size()) else {
                break;
            };
            let before = entries.size();
            if before <= 1 {
                break;
            }
            entries.shrink(generation);
            self.count -= before - entries.size();
        }
        // Twice as many, so that counting costs each invalidation the same on average.
        self.next_count = (2 * self.count).clamp(FIRST_COUNT.min(limit), limit) + 1;
    }

    fn forget(&mut self, now: f64) {
        self.namespaces.retain(|_, entries| entries.forget(now));
        self.count = self.namespaces.values().map(Entries::size).sum();
    }
}
