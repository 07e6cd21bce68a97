//! The thread that closes idle connections when their time has come.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use crate::services::Services;

/// How often it looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// A running thread; dropping it stops the thread and waits for its end.
#[derive(Debug)]
pub(crate) struct Reaper {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Reaper {
    /// Starts the thread. Where the system gives none, idle connections expire when they are next asked for.
    pub(crate) fn start(services: Arc<ArcSwap<Services>>) -> Self {
        let stop = Arc::new(Stop::default());
        let asked = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("ghost-reaper".into()).spawn(move || {
            while !asked.within(INTERVAL) {
                let services = services.load_full();
                let now = Instant::now();
                services.iter().for_each(|service| service.reap(now));
            }
        });
        Reaper { stop, thread: thread.ok() }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        *self.stop.asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // Its panic, if any, has been told on its own thread.
            drop(thread.join());
        }
    }
}

impl Stop {
    /// Waits for so long at most. Returns whether the end was asked for.
    fn within(&self, time: Duration) -> bool {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, _) = self
            .changed
            .wait_timeout_while(asked, time, |asked| !*asked)
            .unwrap_or_else(PoisonError::into_inner);
        *asked
    }
}
