//! What the process has once, for every loaded VCL: the configuration that runs, and the upstream.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use arc_swap::{ArcSwapOption, Guard};
use ghost_config::{Config, Diagnostic};
use ghost_upstream::Upstream;
use serde::Serialize;
use varnish::ffi::VslTag;

use crate::cache::statistics;
use crate::counters::{self, count, counters, set};
use crate::known_files::KnownFiles;
use crate::snapshot::{Prepared, Snapshot};
use crate::{environment, log};

/// The thread that builds a configuration has room for deep documents and large expressions; a worker's
/// stack is 80 kB.
const BUILDER_STACK: usize = 8 << 20;

struct Gateway {
    upstream: Upstream,
    running: ArcSwapOption<Snapshot>,
    /// Whether connections shall end with their next answer.
    draining: AtomicBool,
    /// Whether requests and answers have the number of their transaction.
    transactions: AtomicBool,
    /// Locked while the configuration is loaded, so one load at a time.
    source: Mutex<Source>,
}

/// Where the configuration comes from.
#[derive(Default)]
struct Source {
    file: PathBuf,
    known: KnownFiles,
}

fn gateway() -> &'static Gateway {
    static GATEWAY: OnceLock<Gateway> = OnceLock::new();
    GATEWAY.get_or_init(|| Gateway {
        upstream: Upstream::counting(environment::settings(), counters::upstream()),
        running: ArcSwapOption::empty(),
        draining: AtomicBool::new(false),
        transactions: AtomicBool::new(false),
        source: Mutex::default(),
    })
}

/// What a reload did, as Go's `ghostconf.ReloadResult`.
#[derive(Debug, Clone, Serialize)]
pub struct ReloadResult {
    /// Sequence of the configuration that runs now; 0 where there is none.
    pub sequence: i64,
    /// Why the file was refused; empty where it was taken.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// What of it is inert.
    pub diagnostics: Vec<Diagnostic>,
}

impl ReloadResult {
    /// Whether the configuration was taken.
    pub fn is_taken(&self) -> bool {
        self.error.is_empty()
    }

    /// The JSON of the contract.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("text and numbers are always JSON")
    }
}

/// The configuration that runs; none before the first.
pub fn running() -> Option<Arc<Snapshot>> {
    gateway().running.load_full()
}

/// As [`running`], for a short time: no reference is counted, in memory that all threads share.
pub fn running_now() -> Guard<Option<Arc<Snapshot>>> {
    gateway().running.load()
}

/// Names the file. Loads it if it is there, unless the configuration that runs came from it already. Returns
/// whether another configuration was taken.
pub fn init(file: &Path) -> bool {
    let mut source = lock(&gateway().source);
    if source.file == file && gateway().running.load().is_some() {
        return false;
    }
    source.known.forget();
    file.clone_into(&mut source.file);
    file.exists() && load(&mut source).is_taken()
}

/// Reads the file again. One that was loaded already gets the answer that it got then; a request that comes while
/// it is loaded waits for that.
pub fn reload() -> ReloadResult {
    load(&mut lock(&gateway().source))
}

/// Lets every connection end with its next answer, for the rest of the process's life.
pub fn drain() {
    gateway().draining.store(true, Ordering::Relaxed);
}

/// Whether connections shall end with their next answer.
pub fn is_draining() -> bool {
    gateway().draining.load(Ordering::Relaxed)
}

/// Whether requests to backends and answers to clients have the number of their transaction (X-Varnish).
pub fn shows_transactions() -> bool {
    gateway().transactions.load(Ordering::Relaxed)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic left behind is whole at any time.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Builds a configuration aside and swaps it in, or keeps the one that runs.
fn load(source: &mut Source) -> ReloadResult {
    let file = &source.file;
    let content = match std::fs::read(file) {
        Ok(content) => content,
        Err(error) => return answer(Err(format!("reading {}: {error}", file.display()))),
    };
    if let Some(known) = source.known.result(&content) {
        return known.clone();
    }
    match build_aside(&content) {
        Ok(result) => {
            let answer = answer(result);
            source.known.remember(&content, &answer);
            answer
        }
        // Another time may go better.
        Err(failure) => answer(Err(failure)),
    }
}

fn answer(result: Built) -> ReloadResult {
    let sequence = gateway().running.load().as_ref().map_or(0, |snapshot| snapshot.config().sequence);
    let answer = match result {
        Ok(diagnostics) => ReloadResult { sequence, error: String::new(), diagnostics },
        Err(error) => ReloadResult { sequence, error, diagnostics: Vec::new() },
    };
    report(&answer);
    answer
}

/// What is inert of a file that was taken, or why it was refused.
type Built = Result<Vec<Diagnostic>, String>;

/// Runs the build on a thread of its own and waits for it. Errors where that failed, whatever the file says.
fn build_aside(content: &[u8]) -> Result<Built, String> {
    thread::scope(|scope| {
        thread::Builder::new()
            .name("ghost-build".into())
            .stack_size(BUILDER_STACK)
            .spawn_scoped(scope, || build(content))
            .map_err(|e| format!("starting a thread to build the configuration: {e}"))?
            .join()
            .map_err(|_| "building the configuration panicked; the log says where".into())
    })
}

fn build(content: &[u8]) -> Built {
    let before = running();
    let previous: Option<&Config> = before.as_ref().map(|snapshot| snapshot.config());
    let loaded = ghost_config::load(content, previous).map_err(|e| chain(&e))?;
    let prepared = Prepared::new(loaded.config, before.as_deref());
    // From here on nothing may fail: the upstream cannot go back.
    let snapshot = Arc::new(prepared.enter(&gateway().upstream, before.as_deref()));
    gateway().transactions.store(snapshot.config().x_varnish, Ordering::Relaxed);
    gateway().running.store(Some(Arc::clone(&snapshot)));
    drop(before);
    statistics::tidy();
    show(&snapshot, loaded.diagnostics.len());
    Ok(loaded.diagnostics)
}

fn show(snapshot: &Snapshot, diagnostics: usize) {
    let config = snapshot.config();
    let shown = counters();
    set(&shown.sequence, u64::try_from(config.sequence).unwrap_or(0));
    set(&shown.routes, config.routes.len() as u64);
    set(&shown.services, config.services.len() as u64);
    set(&shown.diagnostics, diagnostics as u64);
}

fn report(result: &ReloadResult) {
    if result.is_taken() {
        count(&counters().reloads_taken);
        let (sequence, inert) = (result.sequence, result.diagnostics.len());
        log::global(VslTag::Notice, &format!("ghost: configuration {sequence} taken, {inert} diagnostics"));
    } else {
        count(&counters().reloads_refused);
        log::global(VslTag::Error, &format!("ghost: configuration refused: {}", result.error));
    }
}

/// An error with what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}
