//! Deliveries that have begun, and have not looked at their object yet.
//!
//! Varnish takes an object whose fetch has failed by then for one that is whole. Where nothing of the
//! body is there, it has neither a piece nor an end to hand to a filter, so no filter can stop it: an
//! answer of unknown length ends as an empty one. Therefore a fetch that fails waits for such
//! deliveries. They see the failure when they look: it is marked before.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use varnish::ffi;

/// The objects of these deliveries, one for each, by address.
static AWAITED: Mutex<Vec<usize>> = Mutex::new(Vec::new());
static LOOKED: Condvar = Condvar::new();

/// A delivery that has not looked at its object yet. Dropped when it has, or never will.
pub struct FirstLook(usize);

impl FirstLook {
    /// A fetch that has not been marked as failed now is not over before this is dropped.
    pub fn new(object: *const ffi::objcore) -> Self {
        let object = object.addr();
        awaited().push(object);
        Self(object)
    }
}

impl Drop for FirstLook {
    fn drop(&mut self) {
        let mut awaited = awaited();
        if let Some(place) = awaited.iter().position(|object| *object == self.0) {
            awaited.swap_remove(place);
        }
        LOOKED.notify_all();
    }
}

/// Waits until all deliveries of an object have looked at it which began before it was marked as
/// failed. They wait for nothing but their client's connection meanwhile, and no longer than Varnish
/// lets them.
pub fn wait(object: *const ffi::objcore) {
    let is_awaited = |awaited: &mut Vec<usize>| awaited.contains(&object.addr());
    drop(LOOKED.wait_while(awaited(), is_awaited).unwrap_or_else(PoisonError::into_inner));
}

fn awaited() -> MutexGuard<'static, Vec<usize>> {
    AWAITED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::ptr;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn a_fetch_waits_for_the_deliveries_of_its_object_alone() {
        let (mine, other) = (ptr::without_provenance(8), ptr::without_provenance(16));
        let _other = FirstLook::new(other);
        let left = AtomicUsize::new(3);
        let looks: Vec<_> = (0..3).map(|_| FirstLook::new(mine)).collect();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                wait(ptr::without_provenance(8));
                left.load(Ordering::SeqCst)
            });
            for look in looks {
                left.fetch_sub(1, Ordering::SeqCst);
                drop(look);
            }
            assert_eq!(waiting.join().unwrap(), 0);
        });
        wait(mine);
    }
}
