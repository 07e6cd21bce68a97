//! Memory that serves one exchange after the other.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::stacks::Stacks;

/// Buffers of one purpose, so that each has the size that it needs. They are not kept by thread: a busy
/// gateway has thousands of threads, of which few have an exchange going on.
pub(crate) struct Buffers {
    kept: LazyLock<Stacks<Vec<u8>>>,
    /// A buffer that has grown beyond this is not kept.
    largest: usize,
}

/// For heads of requests.
pub(crate) static REQUESTS: Buffers =
    Buffers { kept: LazyLock::new(|| Stacks::new(256)), largest: 16 * 1024 };

/// For heads of responses, and what comes with them.
pub(crate) static RESPONSES: Buffers =
    Buffers { kept: LazyLock::new(|| Stacks::new(256)), largest: 16 * 1024 };

/// For pieces of bodies.
pub(crate) static PIECES: Buffers = Buffers { kept: LazyLock::new(|| Stacks::new(32)), largest: 64 * 1024 };

/// How many bytes all exchanges together keep of answers that came while their requests were still sent.
const EARLY: usize = 64 * 1024 * 1024;

static EARLY_RESERVED: AtomicUsize = AtomicUsize::new(0);

impl Buffers {
    /// A buffer with any content: one that has served before is as long as it was.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.kept.pop().unwrap_or_default()
    }

    /// Gives a buffer back.
    pub(crate) fn give(&self, buffer: Vec<u8>) {
        if (1..=self.largest).contains(&buffer.capacity()) {
            // Where there is no room, it is freed.
            drop(self.kept.push(buffer));
        }
    }
}

/// Counts so many bytes among those of early answers. Returns whether there is room for them.
pub(crate) fn reserve(bytes: usize) -> bool {
    let more = |reserved: usize| reserved.checked_add(bytes).filter(|&sum| sum <= EARLY);
    EARLY_RESERVED.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}

/// Gives back what [`reserve`] has counted.
pub(crate) fn release(bytes: usize) {
    if bytes > 0 {
        EARLY_RESERVED.fetch_sub(bytes, Ordering::Relaxed);
    }
}
