//! Matches of one path condition, found by one of their other conditions.
//!
//! Each match stands in one list: under the value of its first exact header, else of its first exact query
//! parameter, else under its method, else among the rest. So many matches of one path cost no more than a
//! few, as long as one of these tells them apart. What does not (expressions, or a second condition) is tried
//! one by one.

use std::collections::HashMap;

use ghost_config::{Match, ValueMatch, ValueTest};
use smallvec::SmallVec;

use crate::names::{Names, Part, Position};

/// A request that is compared with matches.
pub(crate) trait Asked {
    /// Its method.
    fn method(&self) -> &[u8];

    /// The value of a header or query parameter; none where it has none.
    fn value(&mut self, part: Part, name: &[u8]) -> Option<&[u8]>;

    /// Looks which of these names it has, each once, for [`noted`](Self::noted). Returns how many.
    fn note(&mut self, part: Part, names: &Names) -> usize;

    /// One of the names that it has, by its number among all of them, and the value.
    fn noted(&mut self, part: Part, names: &Names, index: usize) -> Option<(usize, &[u8])>;

    /// Whether the match at this position fits; asked only where its condition on the path holds, or is an
    /// expression.
    fn fits(&mut self, position: Position) -> bool;
}

/// Matches in the order of ranks.
#[derive(Debug)]
pub(crate) struct MatchList {
    /// The lowest of all positions.
    first: Position,
    /// Those that another condition tells apart. Most lists have none, and stay small.
    told_apart: Option<Box<ToldApart>>,
    rest: SmallVec<[Position; 1]>,
}

#[derive(Debug, Default)]
struct ToldApart {
    headers: Names,
    query: Names,
    methods: HashMap<Box<[u8]>, Vec<Position>>,
}

impl Default for MatchList {
    fn default() -> Self {
        Self { first: Position::MAX, told_apart: None, rest: SmallVec::new() }
    }
}

impl MatchList {
    /// Adds a match behind those of lower positions.
    pub fn push(&mut self, position: Position, found: &Match) {
        self.first = self.first.min(position);
        if let Some((name, value)) = first_exact(&found.headers) {
            self.told_apart().headers.push(name, value, position);
        } else if let Some((name, value)) = first_exact(&found.query) {
            self.told_apart().query.push(name, value, position);
        } else if let Some(method) = &found.method {
            self.told_apart().methods.entry(method.clone()).or_default().push(position);
        } else {
            self.rest.push(position);
        }
    }

    fn told_apart(&mut self) -> &mut ToldApart {
        self.told_apart.get_or_insert_default()
    }

    /// The lowest of all positions; the highest number where it is empty.
    pub fn first(&self) -> Position {
        self.first
    }

    /// The lowest position below `best` whose match fits, else `best`.
    pub fn lowest(&self, mut best: Position, asked: &mut impl Asked) -> Position {
        if self.first >= best {
            return best;
        }
        if let Some(told_apart) = &self.told_apart {
            best = told_apart.lowest(best, asked);
        }
        lowest(&self.rest, best, asked)
    }
}

impl ToldApart {
    fn lowest(&self, mut best: Position, asked: &mut impl Asked) -> Position {
        best = self.headers.lowest(Part::Header, best, asked);
        best = self.query.lowest(Part::Query, best, asked);
        match self.methods.get(asked.method()) {
            Some(positions) => lowest(positions, best, asked),
            None => best,
        }
    }
}

/// The first of these positions below `best` whose match fits, else `best`.
pub(crate) fn lowest(positions: &[Position], best: Position, asked: &mut impl Asked) -> Position {
    let mut lower = positions.iter().copied().take_while(|position| *position < best);
    lower.find(|position| asked.fits(*position)).unwrap_or(best)
}

fn first_exact(conditions: &[ValueMatch]) -> Option<(&[u8], &[u8])> {
    conditions.iter().find_map(|condition| match &condition.test {
        ValueTest::Exact(value) => Some((&*condition.name, &**value)),
        ValueTest::Regex(_) => None,
    })
}
