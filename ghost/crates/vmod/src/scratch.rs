//! Buffers that a worker thread keeps from one request to the next.

use std::cell::RefCell;

use ghost_route::forwarded::Forwarded;
use ghost_route::Scratch;

/// What is needed for no longer than a call.
#[derive(Default)]
pub struct Buffers {
    /// For routing.
    pub route: Scratch,
    /// The values of X-Forwarded-*.
    pub forwarded: Forwarded,
    /// The target that a backend sees.
    pub target: Vec<u8>,
    /// For keys of the cache.
    pub key: ghost_cache::key::Scratch,
    /// A line for the log.
    pub text: String,
}

/// Lends this thread's buffers. A call from within `work` gets buffers of its own.
pub fn with<T>(work: impl FnOnce(&mut Buffers) -> T) -> T {
    thread_local! {
        static BUFFERS: RefCell<Buffers> = RefCell::default();
    }
    BUFFERS.with(|buffers| match buffers.try_borrow_mut() {
        Ok(mut buffers) => work(&mut buffers),
        Err(_) => work(&mut Buffers::default()),
    })
}
