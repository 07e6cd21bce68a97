//! Matches of one path condition, found by one of their other conditions.
//!
//! Each match stands in one list: under the value of its first exact header, else of its first exact query
//! parameter, else under its method, else among the rest. So many matches of one path cost no more than a
//! few, as long as one of these tells them apart. What does not (expressions, or a second condition) is tried
//! one by one.

use std::collections::HashMap;

use ghost_config::{Match, ValueMatch, ValueTest};

/// A position in the order of precedence.
pub(crate) type Position = usize;

/// What of a request tells matches apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Method,
    Header(Box<[u8]>),
    Query(Box<[u8]>),
}

/// A request that is compared with matches.
pub(crate) trait Asked {
    /// What the request has there; none where it has nothing.
    fn value(&mut self, key: &Key) -> Option<&[u8]>;

    /// Whether the match at this position fits; asked only where its condition on the path holds, or is an
    /// expression.
    fn fits(&mut self, position: Position) -> bool;
}

/// Matches in the order of ranks.
#[derive(Debug, Default)]
pub(crate) struct MatchList {
    keyed: Vec<Keyed>,
    rest: Vec<Position>,
}

/// Those that are told apart by one key.
#[derive(Debug)]
struct Keyed {
    key: Key,
    by_value: HashMap<Box<[u8]>, Vec<Position>>,
}

impl MatchList {
    /// Adds a match behind those of lower positions.
    pub fn push(&mut self, position: Position, found: &Match) {
        let Some((key, value)) = key(found) else { return self.rest.push(position) };
        let index = self.keyed.iter().position(|keyed| keyed.key == key).unwrap_or_else(|| {
            self.keyed.push(Keyed { key, by_value: HashMap::new() });
            self.keyed.len() - 1
        });
        self.keyed[index].by_value.entry(value.into()).or_default().push(position);
    }

    /// The lowest position below `best` whose match fits, else `best`.
    pub fn lowest(&self, mut best: Position, asked: &mut impl Asked) -> Position {
        for Keyed { key, by_value } in &self.keyed {
            if let Some(positions) = asked.value(key).and_then(|value| by_value.get(value)) {
                best = first(positions, best, asked);
            }
        }
        first(&self.rest, best, asked)
    }
}

fn first(positions: &[Position], best: Position, asked: &mut impl Asked) -> Position {
    let mut lower = positions.iter().copied().take_while(|position| *position < best);
    lower.find(|position| asked.fits(*position)).unwrap_or(best)
}

/// What a match is found by.
fn key(found: &Match) -> Option<(Key, &[u8])> {
    first_exact(&found.headers)
        .map(|(name, value)| (Key::Header(name.into()), value))
        .or_else(|| first_exact(&found.query).map(|(name, value)| (Key::Query(name.into()), value)))
        .or_else(|| found.method.as_deref().map(|method| (Key::Method, method)))
}

fn first_exact(conditions: &[ValueMatch]) -> Option<(&[u8], &[u8])> {
    conditions.iter().find_map(|condition| match &condition.test {
        ValueTest::Exact(value) => Some((&*condition.name, &**value)),
        ValueTest::Regex(_) => None,
    })
}
