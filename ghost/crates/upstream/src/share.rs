//! How many of the places in flight one service may take.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The share of a service, by how many services there are.
///
/// A service may take some times as many places as are left of all: a dynamic threshold (Choudhury and
/// Hahne, Dynamic queue length thresholds for shared-memory packet switches, 1998). So it is never known
/// beforehand who needs the places, and nobody is refused where there is room.
#[derive(Debug, Default)]
pub(crate) struct Share {
    services: AtomicUsize,
}

impl Share {
    /// Notes how many services the configuration has.
    pub(crate) fn set_services(&self, count: usize) {
        self.services.store(count, Ordering::Relaxed);
    }

    /// How many requests a service may have in flight where `left` places are left of all.
    ///
    /// A single service may take all. Of several, one that hangs leaves something to the others, and what
    /// it leaves is divided in the same way. The factors are chosen so that a sixteenth of all is left when
    /// all services but one hang, up to five of them: 15 leaves a sixteenth, 3 a quarter, and 1 a half.
    pub(crate) fn of(&self, left: u64) -> u64 {
        let factor = match self.services.load(Ordering::Relaxed) {
            0 | 1 => return u64::MAX,
            2 => 15,
            3 => 3,
            _ => 1,
        };
        left.saturating_mul(factor)
    }
}
