//! The idle connections to one endpoint.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::settings::Settings;
use crate::stacks::Stacks;

/// A connection that waits for its next request.
#[derive(Debug)]
struct Idle {
    connection: Connection,
    /// Whether it is looked at however short it was idle.
    must_look: bool,
    since: Instant,
    /// When it must not be used any more.
    expires: Instant,
}

/// What the last answer on a connection says of the next.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Last {
    /// How long the backend said that it will keep the connection.
    pub(crate) keep_alive: Option<Duration>,
    /// Whether it has no body, whatever its head says. Of a backend that sends one nevertheless, such as to
    /// HEAD, what comes late would be taken for the next answer.
    pub(crate) is_bodiless: bool,
}

/// Idle connections; the one that was used last is used next, so that those beyond need expire.
#[derive(Debug)]
pub(crate) struct Pool {
    idle: Stacks<Idle>,
    /// Not open once the endpoint has left its service.
    open: AtomicBool,
}

impl Pool {
    pub(crate) fn new(settings: &Settings) -> Self {
        Pool { idle: Stacks::new(settings.max_idle), open: AtomicBool::new(true) }
    }

    /// A connection that can be used, as far as one can know; `look` at it in any case, or only after some
    /// idleness.
    pub(crate) fn take(&self, look: bool, settings: &Settings, now: Instant) -> Option<Connection> {
        while let Some(idle) = self.idle.pop() {
            let waited = now.saturating_duration_since(idle.since);
            let must_look = look || idle.must_look || waited >= settings.look_after;
            if now < idle.expires && (!must_look || idle.connection.is_quiet()) {
                return Some(idle.connection);
            }
        }
        None
    }

    /// Keeps a connection for the next request, unless there are enough or the endpoint has left. Returns whether
    /// it is kept.
    pub(crate) fn give(&self, connection: Connection, last: Last, settings: &Settings, now: Instant) -> bool {
        let keep = idle_time(last.keep_alive, settings.idle_timeout);
        if keep.is_zero() || !self.open.load(Ordering::SeqCst) {
            return false;
        }
        let idle = Idle { connection, must_look: last.is_bodiless, since: now, expires: now + keep };
        // One that does not fit is closed.
        let is_kept = self.idle.push(idle).is_ok();
        // The endpoint may have left between the question and the answer.
        if !self.open.load(Ordering::SeqCst) {
            self.clear();
            return false;
        }
        is_kept
    }

    /// Closes every idle connection, and keeps none from now on.
    pub(crate) fn close(&self) {
        self.open.store(false, Ordering::SeqCst);
        self.clear();
    }

    /// Keeps connections again.
    pub(crate) fn reopen(&self) {
        self.open.store(true, Ordering::SeqCst);
    }

    /// Closes the connections that have expired or that the backend has closed.
    pub(crate) fn reap(&self, now: Instant) {
        self.idle.retain(|idle| now < idle.expires && idle.connection.is_quiet());
    }

    pub(crate) fn len(&self) -> usize {
        self.idle.len()
    }

    fn clear(&self) {
        self.idle.retain(|_| false);
    }
}

/// How long a connection may be idle. What the backend says is cut by a second, or by half where it says
/// less than two: a request that is on its way when the backend closes is lost.
fn idle_time(keep_alive: Option<Duration>, idle_timeout: Duration) -> Duration {
    const ON_ITS_WAY: Duration = Duration::from_secs(1);
    keep_alive.map_or(idle_timeout, |says| says.saturating_sub(ON_ITS_WAY).max(says / 2).min(idle_timeout))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    fn pair() -> (Connection, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Connection::new(ours.into()), theirs)
    }

    #[test]
    fn the_backends_own_timeout_makes_the_idle_time_shorter_and_never_longer() {
        let seconds = Duration::from_secs;
        let table = [
            (None, seconds(55)),
            (Some(seconds(5)), seconds(4)),
            (Some(seconds(1)), seconds(1) / 2),
            (Some(seconds(0)), seconds(0)),
            (Some(seconds(300)), seconds(55)),
        ];
        for (keep_alive, want) in table {
            assert_eq!(idle_time(keep_alive, seconds(55)), want, "{keep_alive:?}");
        }
    }

    #[test]
    fn a_connection_is_used_until_it_expires() {
        let settings = Settings::default();
        let pool = Pool::new(&settings);
        let (connection, _theirs) = pair();
        let now = Instant::now();
        pool.give(connection, Last::default(), &settings, now);
        let early = now + settings.idle_timeout - Duration::from_millis(1);
        let connection = pool.take(false, &settings, early).expect("a connection");
        pool.give(connection, Last::default(), &settings, now);
        assert!(pool.take(false, &settings, now + settings.idle_timeout).is_none());
        assert_eq!(pool.len(), 0);
    }

    #[test]
    fn a_connection_is_looked_at_after_some_idleness_or_where_it_is_doubtful() {
        let settings = Settings::default();
        let now = Instant::now();
        let (body, none) = (Last::default(), Last { is_bodiless: true, ..Last::default() });
        let table = [
            ("used at once", body, false, Duration::ZERO, true),
            ("idle for long", body, false, settings.look_after, false),
            ("looked at in any case", body, true, Duration::ZERO, false),
            ("used at once behind an answer without a body", none, false, Duration::ZERO, false),
        ];
        for (name, last, look, waited, want) in table {
            let pool = Pool::new(&settings);
            let (connection, mut theirs) = pair();
            theirs.write_all(b"unasked").unwrap();
            pool.give(connection, last, &settings, now);
            let taken = pool.take(look, &settings, now + waited);
            assert_eq!(taken.is_some(), want, "{name}");
        }
    }

    #[test]
    fn the_reaper_closes_what_expired_and_what_the_backend_closed() {
        let settings = Settings::default();
        let pool = Pool::new(&settings);
        let now = Instant::now();
        let (kept, _theirs) = pair();
        let (expired, _others) = pair();
        let (closed, gone) = pair();
        drop(gone);
        pool.give(kept, Last::default(), &settings, now);
        let short = Last { keep_alive: Some(Duration::from_secs(2)), ..Last::default() };
        pool.give(expired, short, &settings, now);
        pool.give(closed, Last::default(), &settings, now);
        pool.reap(now + Duration::from_secs(2));
        assert_eq!(pool.len(), 1);
    }

    #[test]
    fn a_closed_pool_keeps_nothing_until_it_is_opened_again() {
        let settings = Settings::default();
        let pool = Pool::new(&settings);
        let now = Instant::now();
        assert!(pool.give(pair().0, Last::default(), &settings, now));
        pool.close();
        assert_eq!(pool.len(), 0);
        assert!(!pool.give(pair().0, Last::default(), &settings, now));
        assert_eq!(pool.len(), 0);
        pool.reopen();
        pool.give(pair().0, Last::default(), &settings, now);
        assert_eq!(pool.len(), 1);
    }
}
