//! The directors of one loaded VCL: those of rules are made when they are first used, and gone with their
//! configuration; those of services stay as long as the service.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use arc_swap::ArcSwapOption;
use ghost_route::Chosen;
use varnish::ffi::{vrt_ctx, VCL_BACKEND};

use crate::director::METHODS;
use crate::gateway;
use crate::registered::Registered;
use crate::row::Rows;
use crate::snapshot::Snapshot;
use crate::target::Target;

/// What a loaded VCL has of ghost.
#[derive(Default)]
pub struct VclState {
    table: ArcSwapOption<Table>,
    rows: Arc<Rows>,
}

/// The directors of a VCL's rules for one configuration.
pub struct Table {
    snapshot: Arc<Snapshot>,
    rows: Arc<Rows>,
    /// By rule; the directors of one have their places once one of them is used.
    rules: Box<[OnceLock<Places>]>,
}

type Places = Box<[OnceLock<Registered>]>;

/// Every loaded VCL. Its lock is held while directors of another thread's VCL go, since a VCL cannot be
/// freed before its own event has had the lock.
static LOADED: Mutex<Vec<Weak<VclState>>> = Mutex::new(Vec::new());

fn loaded() -> MutexGuard<'static, Vec<Weak<VclState>>> {
    LOADED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl VclState {
    /// The state of a VCL that is being loaded.
    pub fn register() -> Arc<Self> {
        let state = Arc::new(Self::default());
        let mut loaded = loaded();
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
            rows: Arc::clone(&self.rows),
            rules: (0..snapshot.rules()).map(|_| OnceLock::new()).collect(),
        });
        // Whoever reloads changes what runs first, and then waits for this lock to retire the tables.
        let turn = loaded();
        let is_running = || gateway::running().is_some_and(|running| Arc::ptr_eq(&running, snapshot));
        let before = keep_if(&self.table, &table, is_running);
        drop(turn);
        drop(before);
        table
    }

    /// Shows every service in backend.list.
    ///
    /// # Safety
    /// `ctx` belongs to a task or the initialisation of this VCL.
    pub unsafe fn show(&self, ctx: &vrt_ctx) {
        if let Some(snapshot) = gateway::running() {
            // SAFETY: as promised.
            unsafe { self.rows.show(ctx, snapshot.services()) };
        }
    }

    /// Lets every director of a rule go that no request holds: the VCL cools.
    pub fn cool(&self) {
        let _turn = loaded();
        self.table.store(None);
    }

    /// Lets every director go: the VCL is discarded.
    pub fn discard(&self) {
        let _turn = loaded();
        self.table.store(None);
        self.rows.clear();
    }
}

/// Keeps a table if its configuration runs: a request that was under way during a reload would bring the old
/// one's back, for good where the VCL gets no more requests. Returns what was kept before, if it goes.
fn keep_if<T>(slot: &ArcSwapOption<T>, table: &Arc<T>, is_running: impl FnOnce() -> bool) -> Option<Arc<T>> {
    if is_running() {
        slot.swap(Some(Arc::clone(table)))
    } else {
        None
    }
}

/// Lets the directors of every VCL go that belong to the last configuration alone, as there is a new one;
/// also of those VCLs that get no more requests and would keep the old one.
pub fn retire_all() {
    let Some(snapshot) = gateway::running() else { return };
    for state in loaded().iter().filter_map(Weak::upgrade) {
        state.table.store(None);
        state.rows.keep(snapshot.services());
    }
}

impl Table {
    /// The director for a backend of the chosen rule; none where its VCL cools.
    ///
    /// # Safety
    /// `ctx` is a client task's of the VCL that the table belongs to.
    pub unsafe fn director(&self, ctx: &vrt_ctx, chosen: Chosen, backend: usize) -> Option<VCL_BACKEND> {
        let place = self.snapshot.place(&chosen, backend);
        let places =
            self.rules.get(place.rule)?.get_or_init(|| (0..place.of).map(|_| OnceLock::new()).collect());
        let place = places.get(place.director)?;
        if let Some(registered) = place.get() {
            return Some(registered.director());
        }
        // SAFETY: as promised; the methods expect a target. The VCL exists when the table goes: within a task
        // of it, within its own event, or under the lock that its event waits for.
        let registered = unsafe {
            let target = Arc::new(Target::new(ctx, &self.rows, &self.snapshot, chosen, backend)?);
            let name = target.name();
            Registered::new(ctx, &METHODS, target, &name)?
        };
        // Where somebody was faster, this one goes at once.
        let _ = place.set(registered);
        place.get().map(Registered::director)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_of_an_old_configuration_does_not_bring_its_table_back() {
        let slot = ArcSwapOption::empty();
        let keep = |table: &'static str, running: &str| keep_if(&slot, &Arc::new(table), || table == running);
        let kept = || slot.load_full().map(|table| *table);
        assert_eq!(keep("old", "old"), None);
        assert_eq!(kept(), Some("old"));
        assert_eq!(keep("new", "new").as_deref(), Some(&"old"));
        assert_eq!(keep("old", "new"), None);
        assert_eq!(kept(), Some("new"));
    }
}
