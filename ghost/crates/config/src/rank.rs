//! The place of a match in the one total order that the operator decided.

use crate::wire;

/// Compared field by field in this order, the smaller first; what the fields stand for is the operator's
/// business. Lists compare number by number, and a list goes before its own continuation.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Compared first.
    pub order: Box<[i64]>,
    /// Compared second, byte by byte.
    pub name: Box<str>,
    /// Compared last.
    pub position: Box<[i64]>,
}

impl From<wire::Rank> for Rank {
    fn from(rank: wire::Rank) -> Self {
        Self { order: rank.order.into(), name: rank.name.into(), position: rank.position.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(order: &[i64], name: &str, position: &[i64]) -> Rank {
        Rank { order: order.into(), name: name.into(), position: position.into() }
    }

    #[test]
    fn fields_compare_one_after_another() {
        let ascending = [
            rank(&[], "", &[]),
            rank(&[-1], "z", &[9]),
            rank(&[1], "a", &[0, 0]),
            rank(&[1], "a", &[0, 1]),
            rank(&[1], "a", &[2]),
            rank(&[1], "b", &[0]),
            rank(&[1, 0], "a", &[0]),
            rank(&[2], "a", &[0]),
        ];
        for pair in ascending.windows(2) {
            assert!(pair[0] < pair[1], "{pair:?}");
        }
    }
}
