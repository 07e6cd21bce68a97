//! Matches told apart by the value of a header or query parameter, by its name.
//!
//! Few names are looked for in the request. Of many, those that the request has are looked up: what a request
//! costs depends on its own names then, and not on how many others there are.

use std::collections::HashMap;

use crate::match_list::{Asked, lowest};

/// A position in the order of precedence.
pub(crate) type Position = usize;

/// Where in a request a name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Header,
    Query,
}

/// So many names are looked for one by one.
const FEW: usize = 4;

/// Names of one part, with the matches that they tell apart.
#[derive(Debug, Default)]
pub(crate) struct Names {
    numbers: HashMap<Box<[u8]>, usize>,
    named: Vec<Named>,
}

#[derive(Debug)]
struct Named {
    name: Box<[u8]>,
    /// The lowest of all positions.
    first: Position,
    by_value: HashMap<Box<[u8]>, Vec<Position>>,
}

impl Names {
    /// Adds a match behind those of lower positions.
    pub fn push(&mut self, name: &[u8], value: &[u8], position: Position) {
        let number = *self.numbers.entry(name.into()).or_insert(self.named.len());
        if number == self.named.len() {
            self.named.push(Named { name: name.into(), first: position, by_value: HashMap::new() });
        }
        self.named[number].by_value.entry(value.into()).or_default().push(position);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.named.len()
    }

    /// The number of a name.
    pub fn number(&self, name: &[u8]) -> Option<usize> {
        self.numbers.get(name).copied()
    }

    /// The name of a number.
    pub fn name(&self, number: usize) -> &[u8] {
        &self.named[number].name
    }

    /// The lowest position below `best` whose match fits, else `best`.
    pub fn lowest(&self, part: Part, mut best: Position, asked: &mut impl Asked) -> Position {
        if self.named.len() <= FEW {
            for named in &self.named {
                if named.first >= best {
                    continue;
                }
                let positions = asked.value(part, &named.name).and_then(|value| named.by_value.get(value));
                best = positions.map_or(best, |positions| lowest(positions, best, asked));
            }
            return best;
        }
        for index in 0..asked.note(part, self) {
            let found = asked.noted(part, self, index);
            let positions = found.and_then(|(number, value)| self.named[number].by_value.get(value));
            best = positions.map_or(best, |positions| lowest(positions, best, asked));
        }
        best
    }
}
