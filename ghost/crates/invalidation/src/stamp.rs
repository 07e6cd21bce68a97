//! Points in the order of invalidations.

/// How many invalidations there had been. An object has that of the beginning of its fetch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub u64);

/// The last invalidations of a kind of object: hard and soft. Zero where there was none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Objects of earlier generations must not be served.
    pub hard: Generation,
    /// Objects of earlier generations are stale.
    pub soft: Generation,
}

impl Stamp {
    /// What holds where both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { hard: self.hard.max(other.hard), soft: self.soft.max(other.soft) }
    }

    /// Whether an object of this generation must not be served.
    pub fn removes(self, object: Generation) -> bool {
        object < self.hard
    }

    /// Whether an object of this generation is stale.
    pub fn makes_stale(self, object: Generation) -> bool {
        object < self.soft
    }

    /// The generation of the last invalidation of either sort.
    pub fn last(self) -> Generation {
        self.hard.max(self.soft)
    }

    pub(crate) fn note(&mut self, generation: Generation, soft: bool) {
        if soft {
            self.soft = generation;
        } else {
            self.hard = generation;
        }
    }
}
