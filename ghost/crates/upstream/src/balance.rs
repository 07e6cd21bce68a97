//! The weighted choice among a rule's backends: smooth, and without a lock.
//!
//! The turns of a rule are numbered by one atomic counter, and the number alone says which backend it is
//! for. So nothing but the counter is shared between threads, no interleaving can upset
//! the shares, and a reload keeps its place by keeping the counter.
//!
//! The backends are the leaves of a binary tree. Each node splits its turns between its two sides as evenly
//! as whole turns can be split: of the first `n`, the left side gets `n * left / sum`, rounded. The tree is
//! Huffman's, so that a heavy backend stands near the root, where its turns are most even.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Chooses among the backends of one rule by their weights.
#[derive(Debug)]
pub struct Balancer {
    weights: Box<[u32]>,
    root: Tree,
    turn: AtomicU64,
}

#[derive(Debug)]
enum Tree {
    Leaf(usize),
    Node(Box<Node>),
}

#[derive(Debug)]
struct Node {
    left_weight: u64,
    weight: u64,
    left: Tree,
    right: Tree,
}

impl Balancer {
    /// A balancer for these weights; none where their sum is zero. Weights up to 2^31 are fine.
    pub fn new(weights: &[u32]) -> Option<Self> {
        Some(Balancer { root: tree(weights)?, weights: weights.into(), turn: AtomicU64::new(0) })
    }

    /// The balancer for these weights that goes on where the `previous` one is, if its weights are the same.
    pub fn renew(previous: Option<&Arc<Balancer>>, weights: &[u32]) -> Option<Arc<Balancer>> {
        match previous {
            Some(previous) if *previous.weights == *weights => Some(Arc::clone(previous)),
            _ => Balancer::new(weights).map(Arc::new),
        }
    }

    /// The index of the backend whose turn it is. One of weight zero never has a turn.
    pub fn pick(&self) -> usize {
        match self.root {
            // Nobody else has a turn, so nobody counts them.
            Tree::Leaf(only) => only,
            Tree::Node(_) => self.at(self.turn.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// The index of the backend that turn number `turn` is for.
    fn at(&self, mut turn: u64) -> usize {
        let mut tree = &self.root;
        loop {
            match tree {
                Tree::Leaf(index) => return *index,
                Tree::Node(node) => {
                    turn %= node.weight;
                    let (before, after) = (node.left_turns(turn), node.left_turns(turn + 1));
                    (turn, tree) = match after > before {
                        true => (before, &node.left),
                        false => (turn - before, &node.right),
                    };
                }
            }
        }
    }
}

impl Node {
    /// How many of the first `turns` turns, at most as many as there is weight, are for the left side.
    fn left_turns(&self, turns: u64) -> u64 {
        let rounded = u128::from(turns) * u128::from(self.left_weight) + u128::from(self.weight / 2);
        (rounded / u128::from(self.weight)) as u64
    }
}

/// Huffman's tree: the two lightest are joined until one is left; of equal ones, those that come last.
fn tree(weights: &[u32]) -> Option<Tree> {
    let mut heap = BinaryHeap::new();
    let mut trees = Vec::new();
    for (index, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0) {
        heap.push(Reverse((u64::from(weight), Reverse(trees.len()))));
        trees.push(Some(Tree::Leaf(index)));
    }
    while heap.len() > 1 {
        let (Reverse(light), Reverse(heavy)) = (heap.pop()?, heap.pop()?);
        let (right, left) = (trees[light.1.0].take()?, trees[heavy.1.0].take()?);
        let weight = light.0 + heavy.0;
        heap.push(Reverse((weight, Reverse(trees.len()))));
        trees.push(Some(Tree::Node(Box::new(Node { left_weight: heavy.0, weight, left, right }))));
    }
    trees.pop()?
}

#[cfg(test)]
mod tests;
