//! Prefixes of URLs, found by the lengths that there are.

use std::collections::{BTreeMap, HashMap};

use crate::entries::Entry;
use crate::stamp::Stamp;

/// The prefixes of one host. A lookup costs one hash for each length that occurs, however many prefixes there are.
#[derive(Debug, Default)]
pub(crate) struct Prefixes {
    by_prefix: HashMap<Box<[u8]>, Entry>,
    /// How many prefixes have each length.
    lengths: BTreeMap<usize, usize>,
}

impl Prefixes {
    pub(crate) fn entry(&mut self, prefix: &[u8]) -> &mut Entry {
        if !self.by_prefix.contains_key(prefix) {
            *self.lengths.entry(prefix.len()).or_default() += 1;
        }
        self.by_prefix.entry(prefix.into()).or_default()
    }

    /// What holds for this text, of which every prefix counts.
    pub(crate) fn stamp(&self, text: &[u8]) -> Stamp {
        let fitting = self.lengths.range(..=text.len());
        let found = fitting.filter_map(|(length, _)| self.by_prefix.get(&text[..*length]));
        found.fold(Stamp::default(), |stamp, entry| stamp.and(entry.stamp))
    }

    pub(crate) fn forget(&mut self, is_over: impl Fn(&Entry) -> bool) {
        let lengths = &mut self.lengths;
        self.by_prefix.retain(|prefix, entry| {
            if !is_over(entry) {
                return true;
            }
            if let Some(count) = lengths.get_mut(&prefix.len()) {
                *count -= 1;
                if *count == 0 {
                    lengths.remove(&prefix.len());
                }
            }
            false
        });
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.by_prefix.values()
    }

    pub(crate) fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.by_prefix.values_mut()
    }

    /// The lengths of the prefixes.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.by_prefix.keys().map(|prefix| prefix.len())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_prefix.is_empty()
    }
}
