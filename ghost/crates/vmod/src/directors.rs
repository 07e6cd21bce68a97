//! The directors of one loaded VCL: made when they are first used, gone with their configuration.
//!
//! Varnish counts who uses a director (VRT_Assign_Backend), so one that was given to a request outlives its
//! table for as long as that request, or a fetch in the background, holds it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use arc_swap::ArcSwapOption;
use ghost_route::Chosen;
use varnish::ffi::{self, vrt_ctx, VCL_BACKEND};

use crate::director::METHODS;
use crate::snapshot::Snapshot;
use crate::target::Target;

/// What a loaded VCL has of ghost.
#[derive(Default)]
pub struct VclState {
    table: ArcSwapOption<Table>,
}

/// The directors of a VCL for one configuration.
pub struct Table {
    snapshot: Arc<Snapshot>,
    directors: Box<[OnceLock<Director>]>,
}

/// Every loaded VCL. Its lock is held while directors of another thread's VCL go, since a VCL cannot be
/// freed before its own event has had the lock.
static LOADED: Mutex<Vec<Weak<VclState>>> = Mutex::new(Vec::new());

impl VclState {
    /// The state of a VCL that is being loaded.
    pub fn register() -> Arc<Self> {
        let state = Arc::new(Self::default());
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.retain(|other| other.strong_count() > 0);
        loaded.push(Arc::downgrade(&state));
        state
    }

    /// The table for this configuration.
    pub fn table(&self, snapshot: &Arc<Snapshot>) -> Arc<Table> {
        if let Some(table) = self.table.load_full() {
            if Arc::ptr_eq(&table.snapshot, snapshot) {
                return table;
            }
        }
        // Of several that notice a new configuration at once, the last one's table stays; the others' serve
        // the requests that made them.
        let table = Arc::new(Table {
            snapshot: Arc::clone(snapshot),
            directors: (0..snapshot.directors()).map(|_| OnceLock::new()).collect(),
        });
        self.table.store(Some(Arc::clone(&table)));
        table
    }

    /// Lets every director go that no request holds: the VCL cools.
    pub fn cool(&self) {
        let _turn = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        self.table.store(None);
    }
}

/// Lets the directors of every VCL go, as there is a new configuration; also of those VCLs that get no
/// more requests and would keep the old one.
pub fn retire_all() {
    let loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    for state in loaded.iter().filter_map(Weak::upgrade) {
        state.table.store(None);
    }
}

impl Table {
    /// The director for a backend of the chosen rule; none where its VCL cools.
    ///
    /// # Safety
    /// `ctx` is a client task's of the VCL that the table belongs to.
    pub unsafe fn director(&self, ctx: &vrt_ctx, chosen: Chosen, backend: usize) -> Option<VCL_BACKEND> {
        let place = self.directors.get(self.snapshot.director(&chosen, backend))?;
        if let Some(director) = place.get() {
            return Some(director.0);
        }
        let target = Arc::new(Target::new(&self.snapshot, chosen, backend)?);
        // SAFETY: as promised.
        let director = unsafe { Director::new(ctx, target)? };
        // Where somebody was faster, this one goes at once.
        let _ = place.set(director);
        place.get().map(|director| director.0)
    }
}

/// A director that Varnish knows, with the table's reference to it.
struct Director(VCL_BACKEND);

// SAFETY: Varnish guards what the pointer leads to with its own locks.
unsafe impl Send for Director {}
// SAFETY: as above.
unsafe impl Sync for Director {}

impl Director {
    unsafe fn new(ctx: &vrt_ctx, target: Arc<Target>) -> Option<Self> {
        let name = target.name();
        let target = Arc::into_raw(target);
        // SAFETY: the VCL is warm, since it runs this task; Varnish copies the name, and gives the target back
        // to `destroy` when the last reference to the director goes.
        let director = unsafe {
            let private = target.cast_mut().cast();
            ffi::VRT_AddDirector(ctx, &raw const METHODS.0, private, c"%s".as_ptr(), name.as_ptr())
        };
        if director.0.is_null() {
            // SAFETY: Varnish has not kept it.
            drop(unsafe { Arc::from_raw(target) });
            return None;
        }
        Some(Self(director))
    }
}

impl Drop for Director {
    fn drop(&mut self) {
        // SAFETY: this is the reference that VRT_AddDirector gave. Its VCL exists: the table goes within a
        // task of it, within its own event, or under the lock that its event waits for.
        unsafe { ffi::VRT_DelDirector(&raw mut self.0) };
    }
}
