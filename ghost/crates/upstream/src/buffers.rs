//! Memory for heads, that serves one exchange after the other.

use std::sync::LazyLock;

use crate::stacks::Stacks;

/// How many buffers are kept. They are not kept by thread: a busy gateway has thousands of threads, of
/// which few have an exchange going on.
const KEPT: usize = 256;

/// A buffer that has grown beyond this is not kept.
const LARGEST: usize = 16 * 1024;

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
