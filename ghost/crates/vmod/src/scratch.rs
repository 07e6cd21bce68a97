//! Buffers that a worker thread keeps from one request to the next.

use std::cell::RefCell;

use ghost_route::Scratch;

/// Lends this thread's buffers. A call from within `work` gets buffers of its own.
pub fn with<T>(work: impl FnOnce(&mut Scratch) -> T) -> T {
    thread_local! {
        static SCRATCH: RefCell<Scratch> = RefCell::default();
    }
    SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut scratch) => work(&mut scratch),
        Err(_) => work(&mut Scratch::default()),
    })
}
