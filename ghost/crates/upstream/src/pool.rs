//! The idle connections to one endpoint.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::atomic_instant::AtomicInstant;
use crate::connection::{Connection, Idle};
use crate::settings::Settings;
use crate::stacks::Stacks;

/// A connection that waits for its next request.
#[derive(Debug)]
struct Waiting {
    connection: Connection,
    /// When it must not be used any more.
    expires: Instant,
}

/// What the pool has for a request.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) connection: Option<Connection>,
    /// How many connections were closed since they held bytes that no request asked for.
    pub(crate) surplus: u64,
}

/// Idle connections; the one that was used last is used next, so that those beyond need expire.
#[derive(Debug)]
pub(crate) struct Pool {
    idle: Stacks<Waiting>,
    /// Not open once the endpoint has left its service.
    open: AtomicBool,
    /// Until when no connection is kept, since the endpoint has sent bytes that no request asked for. It is
    /// likely to do so again, and such bytes can come too late to be seen.
    distrusted: AtomicInstant,
}

impl Pool {
    pub(crate) fn new(settings: &Settings, now: Instant) -> Self {
        Pool {
            idle: Stacks::new(settings.max_idle),
            open: AtomicBool::new(true),
            distrusted: AtomicInstant::none(now),
        }
    }

    /// A connection on which nothing has come since its last answer, however short it was idle: what the
    /// backend sends beyond an answer would be taken for the next one.
    pub(crate) fn take(&self, settings: &Settings, now: Instant) -> Taken {
        let mut taken = Taken::default();
        while let Some(waiting) = self.idle.pop() {
            if now >= waiting.expires {
                continue;
            }
            match waiting.connection.look() {
                Idle::Quiet => {
                    taken.connection = Some(waiting.connection);
                    break;
                }
                Idle::Closed => {}
                Idle::Surplus => {
                    taken.surplus += 1;
                    self.distrust(settings, now);
                }
            }
        }
        taken
    }

    /// Keeps a connection for the next request, unless there are enough, or the endpoint has left or is not
    /// trusted. `keep_alive` is how long the backend said that it keeps it. Returns whether it is kept.
    pub(crate) fn give(
        &self,
        connection: Connection,
        keep_alive: Option<Duration>,
        settings: &Settings,
        now: Instant,
    ) -> bool {
        let keep = idle_time(keep_alive, settings.idle_timeout);
        if keep.is_zero() || !self.open.load(Ordering::SeqCst) || self.distrusted.left(now).is_some() {
            return false;
        }
        // One that does not fit is closed.
        let is_kept = self.idle.push(Waiting { connection, expires: now + keep }).is_ok();
        // The endpoint may have left, or lost its trust, between the question and the answer.
        if !self.open.load(Ordering::SeqCst) || self.distrusted.left(now).is_some() {
            self.clear();
            return false;
        }
        is_kept
    }

    /// Closes every idle connection and keeps none for some time, after bytes that no request asked for.
    pub(crate) fn distrust(&self, settings: &Settings, now: Instant) {
        self.distrusted.set(now + settings.distrust);
        self.clear();
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

    /// Closes the connections that have expired or that are not quiet. Returns how many of them held bytes
    /// that no request asked for.
    pub(crate) fn reap(&self, settings: &Settings, now: Instant) -> u64 {
        let surplus = AtomicU64::new(0);
        self.idle.retain(|waiting| {
            let look = waiting.connection.look();
            surplus.fetch_add(u64::from(look == Idle::Surplus), Ordering::Relaxed);
            now < waiting.expires && look == Idle::Quiet
        });
        let surplus = surplus.into_inner();
        if surplus > 0 {
            self.distrust(settings, now);
        }
        surplus
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
        let now = Instant::now();
        let pool = Pool::new(&settings, now);
        let (connection, _theirs) = pair();
        pool.give(connection, None, &settings, now);
        let early = now + settings.idle_timeout - Duration::from_millis(1);
        let connection = pool.take(&settings, early).connection.expect("a connection");
        pool.give(connection, None, &settings, now);
        assert!(pool.take(&settings, now + settings.idle_timeout).connection.is_none());
        assert_eq!(pool.len(), 0);
    }

    #[test]
    fn a_connection_that_is_not_quiet_is_never_used() {
        type End = fn(UnixStream) -> Option<UnixStream>;
        fn say(bytes: &[u8], mut theirs: UnixStream) -> Option<UnixStream> {
            theirs.write_all(bytes).unwrap();
            Some(theirs)
        }
        let table: [(&str, End, bool, u64); 4] = [
            ("quiet", Some, true, 0),
            ("closed", |_| None, false, 0),
            ("timed out", |theirs| say(b"HTTP/1.1 408 Request Timeout\r\n\r\n", theirs), false, 0),
            ("surplus", |theirs| say(b"H", theirs), false, 1),
        ];
        let settings = Settings::default();
        let now = Instant::now();
        for (name, end, usable, surplus) in table {
            let pool = Pool::new(&settings, now);
            let (connection, theirs) = pair();
            let _theirs = end(theirs);
            pool.give(connection, None, &settings, now);
            let taken = pool.take(&settings, now);
            assert_eq!((taken.connection.is_some(), taken.surplus), (usable, surplus), "{name}");
        }
    }

    #[test]
    fn an_endpoint_that_sent_surplus_is_not_trusted_for_some_time() {
        let settings = Settings::default();
        let now = Instant::now();
        type Find = fn(&Pool, &Settings, Instant) -> u64;
        let finds: [(&str, Find); 2] = [
            ("before use", |pool, settings, now| pool.take(settings, now).surplus),
            ("by the reaper", Pool::reap),
        ];
        for (name, find) in finds {
            let pool = Pool::new(&settings, now);
            let ((quiet, _others), (surplus, mut theirs)) = (pair(), pair());
            theirs.write_all(b"unasked").unwrap();
            pool.give(quiet, None, &settings, now);
            pool.give(surplus, None, &settings, now);
            assert_eq!(find(&pool, &settings, now), 1, "{name}");
            assert_eq!(pool.len(), 0, "{name}: others may hold the same, and not show it yet");
            assert!(!pool.give(pair().0, None, &settings, now), "{name}");
            assert!(pool.give(pair().0, None, &settings, now + settings.distrust), "{name}");
        }
    }

    #[test]
    fn the_reaper_closes_what_expired_and_what_the_backend_closed() {
        let settings = Settings::default();
        let now = Instant::now();
        let pool = Pool::new(&settings, now);
        let (kept, _theirs) = pair();
        let (expired, _others) = pair();
        let (closed, gone) = pair();
        drop(gone);
        pool.give(kept, None, &settings, now);
        pool.give(expired, Some(Duration::from_secs(2)), &settings, now);
        pool.give(closed, None, &settings, now);
        assert_eq!(pool.reap(&settings, now + Duration::from_secs(2)), 0);
        assert_eq!(pool.len(), 1);
    }

    #[test]
    fn a_closed_pool_keeps_nothing_until_it_is_opened_again() {
        let settings = Settings::default();
        let now = Instant::now();
        let pool = Pool::new(&settings, now);
        assert!(pool.give(pair().0, None, &settings, now));
        pool.close();
        assert_eq!(pool.len(), 0);
        assert!(!pool.give(pair().0, None, &settings, now));
        assert_eq!(pool.len(), 0);
        pool.reopen();
        pool.give(pair().0, None, &settings, now);
        assert_eq!(pool.len(), 1);
    }
}
