//! Memory for heads, that serves one exchange after the other.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::stacks::Stacks;

/// How many buffers are kept. They are not kept by thread: a busy gateway has thousands of threads, of
/// which few have an exchange going on.
const KEPT: usize = 256;

/// A buffer that has grown beyond this is not kept.
const LARGEST: usize = 16 * 1024;

/// How many bytes all exchanges together keep of answers that came while their requests were still sent.
const EARLY: usize = 64 * 1024 * 1024;

static EARLY_RESERVED: AtomicUsize = AtomicUsize::new(0);

static BUFFERS: LazyLock<Stacks<Vec<u8>>> = LazyLock::new(|| Stacks::new(KEPT));

/// A buffer with any content.
pub(crate) fn take() -> Vec<u8> {
    BUFFERS.pop().unwrap_or_default()
}

/// Gives a buffer back.
pub(crate) fn give(buffer: Vec<u8>) {
    if (1..=LARGEST).contains(&buffer.capacity()) {
        // Where there is no room, it is freed.
        drop(BUFFERS.push(buffer));
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
