//! The directors of one loaded VCL: those of rules are made when they are first used, and stay as long as their
//! rule; those of services stay as long as the service.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use arc_swap::ArcSwapOption;
use ghost_route::Chosen;
use smallvec::SmallVec;
use varnish::ffi::{vrt_ctx, VCL_BACKEND};

use crate::director::METHODS;
use crate::gateway;
use crate::registered::Registered;
use crate::rule_handle::RuleHandle;
use crate::service_director::ServiceDirectors;
use crate::snapshot::Snapshot;
use crate::target::Target;

/// What a loaded VCL has of ghost.
#[derive(Default)]
pub struct VclState {
    table: ArcSwapOption<Table>,
    service_directors: Arc<ServiceDirectors>,
    direct: AtomicBool,
}

/// The directors of a VCL's rules, by their numbers in one configuration.
pub struct Table {
    snapshot: Weak<Snapshot>,
    service_directors: Arc<ServiceDirectors>,
    rules: Box<[OnceLock<Arc<RuleDirectors>>]>,
}

/// The directors of one rule in one loaded VCL. Whoever holds this may use them.
pub struct RuleDirectors {
    rule: Arc<RuleHandle>,
    directors: SmallVec<[OnceLock<Registered>; 1]>,
}

impl RuleDirectors {
    /// The rule.
    pub fn rule(&self) -> &Arc<RuleHandle> {
        &self.rule
    }
}

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

    /// Says whether passed requests get their answer directly ([`crate::direct`]).
    pub fn set_direct(&self, direct: bool) {
        self.direct.store(direct, Ordering::Relaxed);
    }

    /// Whether they do.
    pub fn is_direct(&self) -> bool {
        self.direct.load(Ordering::Relaxed)
    }

    /// Lends the table for this configuration.
    pub fn with_table<T>(&self, snapshot: &Arc<Snapshot>, work: impl FnOnce(&Table) -> T) -> T {
        let table = self.table.load();
        match &*table {
            Some(table) if table.is_for(snapshot) => work(table),
            _ => work(&self.renew(snapshot)),
        }
    }

    /// A table for this configuration, which is kept if it runs.
    fn renew(&self, snapshot: &Arc<Snapshot>) -> Arc<Table> {
        // Whoever reloads changes what runs first, and then waits for this lock to retire the tables.
        let turn = loaded();
        let former = self.table.load_full();
        // Of several that notice a new configuration at once, the last one's table stays; the others' serve
        // the requests that made them.
        let table = Arc::new(Table::new(snapshot, &self.service_directors, former.as_deref()));
        let is_running = || gateway::running().is_some_and(|running| Arc::ptr_eq(&running, snapshot));
        let before = keep_if(&self.table, &table, is_running);
        drop(turn);
        drop((former, before));
        table
    }

    /// Shows every service in backend.list.
    ///
    /// # Safety
    /// `ctx` belongs to a task or the initialisation of this VCL.
    pub unsafe fn show(&self, ctx: &vrt_ctx) {
        if let Some(snapshot) = gateway::running() {
            // SAFETY: as promised.
            unsafe { self.service_directors.show(ctx, snapshot.services()) };
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
        self.service_directors.clear();
    }

    /// Lets what is not in this configuration go.
    fn retire(&self, snapshot: &Arc<Snapshot>) {
        if let Some(former) = self.table.load_full() {
            self.table.store(Some(Arc::new(Table::new(snapshot, &self.service_directors, Some(&former)))));
        }
        self.service_directors.keep(snapshot.services());
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
        state.retire(&snapshot);
    }
}

impl Table {
    /// A table for a configuration, with the directors of the rules that are in a former one, too.
    fn new(
        snapshot: &Arc<Snapshot>,
        service_directors: &Arc<ServiceDirectors>,
        former: Option<&Self>,
    ) -> Self {
        let former = former.into_iter().flat_map(|table| &table.rules).filter_map(OnceLock::get);
        let former: std::collections::HashMap<*const RuleHandle, &Arc<RuleDirectors>> =
            former.map(|directors| (Arc::as_ptr(&directors.rule), directors)).collect();
        let slot = |rule| former.get(&Arc::as_ptr(rule)).map_or_else(OnceLock::new, |d| Arc::clone(d).into());
        let rules = snapshot.rules().map(slot).collect();
        Self { snapshot: Arc::downgrade(snapshot), service_directors: Arc::clone(service_directors), rules }
    }

    fn is_for(&self, snapshot: &Arc<Snapshot>) -> bool {
        std::ptr::eq(self.snapshot.as_ptr(), Arc::as_ptr(snapshot))
    }

    /// The director for a match of the chosen rule, with those that it lives as long as; none where its VCL cools.
    ///
    /// # Safety
    /// `ctx` is a client task's of the VCL that the table belongs to, and the table is for this configuration.
    pub unsafe fn director(
        &self,
        ctx: &vrt_ctx,
        snapshot: &Snapshot,
        chosen: &Chosen,
    ) -> Option<(Arc<RuleDirectors>, VCL_BACKEND)> {
        let rule = snapshot.rule(chosen);
        let directors = self.rules.get(snapshot.number(chosen))?.get_or_init(|| {
            let directors = (0..rule.directors()).map(|_| OnceLock::new()).collect();
            Arc::new(RuleDirectors { rule: Arc::clone(rule), directors })
        });
        let director = directors.directors.get(rule.director(chosen.match_index))?;
        if director.get().is_none() {
            // SAFETY: as promised; the methods expect a target. The VCL exists when the directors go: within a
            // task of it, within its own event, or under the lock that its event waits for.
            let registered = unsafe {
                let target = Arc::new(Target::new(ctx, &self.service_directors, rule, chosen.match_index)?);
                let name = target.name();
                Registered::new(ctx, &METHODS, target, &name)?
            };
            // Where somebody was faster, this one goes at once.
            let _ = director.set(registered);
        }
        Some((Arc::clone(directors), director.get()?.director()))
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
