//! Keys whose answer has turned out to be larger than its policy stores.
//!
//! Where an answer does not say how long it is, that is known only when too much of it has come. The next answer for the
//! same key is then not even begun to be stored, so that requests for it need not wait for each other.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many keys are remembered at most: another one takes the place of one before it.
const SLOTS: usize = 4096;

/// The digest of a key (SHA-256).
pub type Digest = [u8; 32];

/// The keys, each for as long as its policy says. Of variants of a key it is enough that one was too large.
pub struct TooLarge(Box<[Slot]>);

/// A key and its time. They are read one after the other: a mixture of two keys that share a slot leaves one of them to
/// be found out again, or for the time of the other.
#[derive(Default)]
struct Slot {
    /// The part of the digest that the slot does not tell.
    key: AtomicU64,
    /// Until when, in seconds since the epoch.
    until: AtomicU64,
}

impl TooLarge {
    /// No keys.
    pub fn new() -> Self {
        Self((0..SLOTS).map(|_| Slot::default()).collect())
    }

    /// Remembers a key until a time, in seconds since the epoch.
    pub fn note(&self, digest: &Digest, until: f64) {
        let (slot, key) = self.slot(digest);
        slot.until.store(until.max(0.0) as u64, Ordering::Relaxed);
        slot.key.store(key, Ordering::Relaxed);
    }

    /// Whether the answer for a key was too large, and that is to be remembered at this time.
    pub fn has(&self, digest: &Digest, now: f64) -> bool {
        let (slot, key) = self.slot(digest);
        slot.key.load(Ordering::Relaxed) == key && slot.until.load(Ordering::Relaxed) as f64 > now
    }

    fn slot(&self, digest: &Digest) -> (&Slot, u64) {
        let number =
            |at: usize| digest[at..].iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        (&self.0[number(8) as usize % SLOTS], number(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(first: u8, slot: u8) -> Digest {
        let mut digest = [0; 32];
        (digest[0], digest[15]) = (first, slot);
        digest
    }

    #[test]
    fn a_key_is_known_until_its_time() {
        let keys = TooLarge::new();
        assert!(!keys.has(&digest(0, 0), 0.0), "nothing was noted");
        keys.note(&digest(1, 1), 100.0);
        let table = [
            (digest(1, 1), 99.5, true),
            (digest(1, 1), 100.0, false),
            (digest(2, 1), 99.5, false),
            (digest(1, 2), 99.5, false),
        ];
        for (key, now, expected) in table {
            assert_eq!(keys.has(&key, now), expected, "{key:?} at {now}");
        }
    }

    #[test]
    fn another_key_takes_the_place_of_one_before_it() {
        let keys = TooLarge::new();
        keys.note(&digest(1, 1), 100.0);
        keys.note(&digest(2, 1), 50.0);
        assert!(!keys.has(&digest(1, 1), 10.0));
        assert!(keys.has(&digest(2, 1), 10.0));
    }
}
