//! The rest of a body that is not to be stored any more, left to the only client that gets it.
//!
//! What a fetch reads, it stores. Where an answer has turned out to be too large for that, and one client alone still gets
//! it, the fetch ends: the object has what was stored so far, and the client's own delivery reads the rest from the
//! backend behind it. So a body of any size goes through a storage of any size.
//!
//! A fetch that may end like this has an entry here, under the address of its object. Deliveries attach to it. Who is
//! attached holds the object, so that an address is never taken for that of another one.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use ghost_upstream::Exchange;
use varnish::ffi;

/// What is left of an exchange.
pub struct Rest {
    pub exchange: Exchange,
    /// What the log calls the backend.
    pub name: String,
}

/// The address of an object.
type Address = usize;

/// What is known of the deliveries of one object.
struct Entry<T> {
    attached: u32,
    rest: Option<T>,
}

/// The entries of all fetches that are watched.
struct Entries<T>(Mutex<HashMap<Address, Entry<T>>>);

impl<T> Entries<T> {
    fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Address, Entry<T>>> {
        // A panic leaves the map whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, object: Address) {
        self.lock().insert(object, Entry { attached: 0, rest: None });
    }

    /// The fetch has ended. What is left to a client stays.
    fn close(&self, object: Address) {
        let mut entries = self.lock();
        if entries.get(&object).is_some_and(|entry| entry.rest.is_none()) {
            entries.remove(&object);
        }
    }

    fn attach(&self, object: Address) {
        if let Some(entry) = self.lock().get_mut(&object) {
            entry.attached += 1;
        }
    }

    /// A delivery has ended. What was left to it, and that it has not taken, is nobody's.
    fn detach(&self, object: Address) -> Option<T> {
        let mut entries = self.lock();
        let entry = entries.get_mut(&object)?;
        entry.attached -= 1;
        entry.rest.as_ref()?;
        entries.remove(&object)?.rest
    }

    /// Leaves what `rest` makes to the one delivery that is attached, if that is the only one for sure. Whether it is, is
    /// asked while no delivery ends.
    fn leave(&self, object: Address, is_only: impl FnOnce() -> bool, rest: impl FnOnce() -> T) -> bool {
        let mut entries = self.lock();
        match entries.get_mut(&object) {
            Some(entry) if entry.attached == 1 && is_only() => {
                entry.rest = Some(rest());
                true
            }
            _ => false,
        }
    }

    fn take(&self, object: Address) -> Option<T> {
        let mut entries = self.lock();
        entries.get(&object)?.rest.as_ref()?;
        entries.remove(&object)?.rest
    }
}

static ENTRIES: LazyLock<Entries<Rest>> = LazyLock::new(Entries::new);

fn address(object: *const ffi::objcore) -> Address {
    object.addr()
}

/// The body of this object may be left to a client.
pub fn open(object: *const ffi::objcore) {
    ENTRIES.open(address(object));
}

/// The fetch of this object has ended.
pub fn close(object: *const ffi::objcore) {
    ENTRIES.close(address(object));
}

/// A delivery of this object, which it holds, begins to be able to take the rest of its body.
pub fn attach(object: *const ffi::objcore) {
    ENTRIES.attach(address(object));
}

/// A delivery that was attached has ended. Returns what was left to it in vain.
pub fn detach(object: *const ffi::objcore) -> Option<Rest> {
    ENTRIES.detach(address(object))
}

/// The rest that is left to the delivery of this object, if any.
pub fn take(object: *const ffi::objcore) -> Option<Rest> {
    ENTRIES.take(address(object))
}

/// Whether the object of a fetch is nobody's but the fetch's: it was killed, so that no lookup finds it, and nobody who had
/// it before waits for it any more.
///
/// # Safety
/// `object` is the running fetch's.
pub unsafe fn is_nobodys(object: *const ffi::objcore) -> bool {
    // SAFETY: as promised; the flags are one byte, which others change under a lock, and it is read as a whole.
    unsafe {
        let flags = (&raw const (*object).flags).read_volatile();
        u32::from(flags) & ffi::oc_flags_OC_F_DYING != 0 && references(object) == 1
    }
}

/// Leaves what `rest` makes to the only client that gets the body of this object. Returns false where there are others, or
/// may be.
///
/// # Safety
/// `object` is the running fetch's, and killed: nobody who does not hold it can do so any more.
pub unsafe fn leave(object: *const ffi::objcore, rest: impl FnOnce() -> Rest) -> bool {
    // Who is attached holds the object until it is not. The other reference is the fetch's own; expiry has given its own
    // back some time after the object was killed.
    // SAFETY: as promised.
    let is_only = || unsafe { references(object) == 2 };
    ENTRIES.leave(address(object), is_only, rest)
}

unsafe fn references(object: *const ffi::objcore) -> i32 {
    // SAFETY: as promised by the callers; others change it under a lock, and it is read as a whole.
    unsafe { (&raw const (*object).refcnt).read_volatile() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Entries<&'static str> {
        let entries = Entries::new();
        entries.open(1);
        entries
    }

    #[test]
    fn what_is_left_goes_to_the_only_one() {
        let entries = open();
        entries.attach(1);
        assert!(!entries.leave(1, || false, || "rest"), "another one holds it without being attached");
        assert!(entries.leave(1, || true, || "rest"));
        entries.close(1);
        assert_eq!(entries.take(1), Some("rest"));
        assert_eq!(entries.take(1), None);
        assert_eq!(entries.detach(1), None);
    }

    #[test]
    fn nothing_is_left_to_nobody_or_to_several() {
        let entries = open();
        let leave = |entries: &Entries<_>| entries.leave(1, || true, || "rest");
        assert!(!leave(&entries));
        entries.attach(1);
        entries.attach(1);
        assert!(!leave(&entries));
        assert_eq!(entries.detach(1), None);
        assert!(leave(&entries), "one has gone");
        assert!(!entries.leave(2, || true, || "rest"), "it is not watched");
    }

    #[test]
    fn what_is_not_taken_is_given_back() {
        let entries = open();
        entries.attach(1);
        assert!(entries.leave(1, || true, || "rest"));
        assert_eq!(entries.detach(1), Some("rest"));
        assert_eq!(entries.take(1), None);
    }

    #[test]
    fn an_entry_goes_with_its_fetch() {
        let entries = open();
        entries.attach(1);
        entries.close(1);
        assert!(entries.lock().is_empty());
        assert_eq!(entries.detach(1), None);
        // A delivery of an object that is not watched.
        entries.attach(2);
        assert_eq!(entries.detach(2), None);
    }
}
