//! A last-in-first-out store that many threads use without waiting for each other.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// As many stacks as processors, within reason. A thread pushes to and pops from its own stack, and goes to
/// the others only where its own is full or empty.
#[derive(Debug)]
pub(crate) struct Stacks<T> {
    stacks: Box<[Mutex<Vec<T>>]>,
    /// How many items each stack holds at most.
    depth: usize,
}

impl<T> Stacks<T> {
    /// Stacks for at most `capacity` items in all (rounded up to a whole number for each stack).
    pub(crate) fn new(capacity: usize) -> Self {
        let count = processors().min(MAX_STACKS).min(capacity.max(1));
        Stacks {
            stacks: (0..count).map(|_| Mutex::new(Vec::new())).collect(),
            depth: capacity.div_ceil(count),
        }
    }

    /// Keeps the item, or gives it back where there is no room.
    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        for stack in self.own_first() {
            let mut stack = lock(stack);
            if stack.len() < self.depth {
                stack.push(item);
                return Ok(());
            }
        }
        Err(item)
    }

    /// The item that was kept last, as a rule.
    pub(crate) fn pop(&self) -> Option<T> {
        let mut stacks = self.own_first();
        if let Some(item) = stacks.next().and_then(|own| lock(own).pop()) {
            return Some(item);
        }
        // Where another thread is busy with its stack, it is likely taking from it.
        stacks.find_map(|other| match other.try_lock() {
            Ok(mut stack) => stack.pop(),
            Err(TryLockError::Poisoned(stack)) => stack.into_inner().pop(),
            Err(TryLockError::WouldBlock) => None,
        })
    }

    /// Keeps only the items of which `keep` says so; the others are dropped. Looks at some at a time, from the
    /// bottom, so that nobody waits for long who takes or brings one at the top.
    pub(crate) fn retain(&self, keep: impl Fn(&T) -> bool) {
        for stack in &self.stacks {
            let mut seen = 0;
            while let Some(dropped) = retain_some(&mut lock(stack), &mut seen, &keep) {
                // Not under the lock: it may take its time.
                drop(dropped);
            }
        }
    }

    /// How many items are kept.
    pub(crate) fn len(&self) -> usize {
        self.stacks.iter().map(|stack| lock(stack).len()).sum()
    }

    /// The stacks, the calling thread's own one first.
    fn own_first(&self) -> impl Iterator<Item = &Mutex<Vec<T>>> {
        let own = thread_number() % self.stacks.len();
        self.stacks[own..].iter().chain(&self.stacks[..own])
    }
}

/// So many items are looked at under one lock.
const AT_ONCE: usize = 16;

/// Looks at the items above those that were `seen`, some of them. Returns those that are not kept; none at the end.
fn retain_some<T>(items: &mut Vec<T>, seen: &mut usize, keep: impl Fn(&T) -> bool) -> Option<Vec<T>> {
    let end = items.len().min(*seen + AT_ONCE);
    if *seen >= end {
        return None;
    }
    for index in *seen..end {
        if keep(&items[index]) {
            items.swap(*seen, index);
            *seen += 1;
        }
    }
    Some(items.drain(*seen..end).collect())
}

/// More stacks than this make a search long and gain nothing.
const MAX_STACKS: usize = 16;

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What a stack holds is whole between any two of its operations, so that a panic elsewhere harms nothing.
fn lock<T>(stack: &Mutex<T>) -> MutexGuard<'_, T> {
    stack.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number of the calling thread's own, small and spread evenly.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    NUMBER.with(|number| {
        if number.get() == usize::MAX {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        number.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_item_comes_back_first() {
        let stacks = Stacks::new(1000);
        for item in 0..10 {
            stacks.push(item).unwrap();
        }
        let popped: Vec<_> = std::iter::from_fn(|| stacks.pop()).collect();
        assert_eq!(popped, (0..10).rev().collect::<Vec<_>>());
    }

    #[test]
    fn a_full_store_gives_the_item_back() {
        let stacks = Stacks::new(4);
        let room = stacks.depth * stacks.stacks.len();
        for item in 0..room {
            stacks.push(item).unwrap();
        }
        assert_eq!(stacks.push(room), Err(room));
        assert_eq!(stacks.len(), room);
    }

    #[test]
    fn what_is_not_wanted_goes_and_the_rest_stays_in_its_order() {
        for count in [0, 1, AT_ONCE, 5 * AT_ONCE + 3] {
            let stacks = Stacks::new(1000);
            (0..count).for_each(|item| stacks.push(item).unwrap());
            stacks.retain(|item| item % 3 == 0);
            let left: Vec<_> = std::iter::from_fn(|| stacks.pop()).collect();
            assert_eq!(left, (0..count).rev().filter(|item| item % 3 == 0).collect::<Vec<_>>());
            (0..count).for_each(|item| stacks.push(item).unwrap());
            stacks.retain(|_| false);
            assert_eq!(stacks.len(), 0);
        }
    }

    #[test]
    fn the_lock_is_free_between_some_items_and_the_next() {
        let mut items: Vec<_> = (0..2 * AT_ONCE).collect();
        let mut seen = 0;
        assert_eq!(retain_some(&mut items, &mut seen, |_| true), Some(Vec::new()));
        assert_eq!(seen, AT_ONCE);
        // Meanwhile some were taken from the top, and another one came.
        items.truncate(AT_ONCE + 1);
        items.push(100);
        assert_eq!(retain_some(&mut items, &mut seen, |item| *item == 100), Some(vec![AT_ONCE]));
        assert_eq!((seen, items.last()), (AT_ONCE + 1, Some(&100)));
        assert_eq!(retain_some(&mut items, &mut seen, |_| false), None);
    }

    #[test]
    fn what_one_thread_kept_another_one_finds() {
        let stacks = Stacks::new(100);
        stacks.push(1).unwrap();
        for _ in 0..2 * stacks.stacks.len() {
            std::thread::scope(|scope| {
                let other = scope.spawn(|| {
                    let item = stacks.pop().expect("the item");
                    stacks.push(item).unwrap();
                });
                other.join().unwrap();
            });
        }
    }
}
