//! Deadlines of an exchange, and how a socket's own timeout is made to keep them.

use std::time::{Duration, Instant};

use crate::error::{Error, Phase};

/// How long each part of an exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To open one connection; each endpoint that is tried has this long.
    pub connect: Duration,
    /// From the request having been sent to the first byte of its final answer.
    pub first_byte: Duration,
    /// From the first byte of the final answer to the end of its head.
    pub head: Duration,
    /// Between two pieces of the answer's body, and for a send that the backend blocks.
    pub between_bytes: Duration,
    /// When the whole exchange must be over, whatever it is doing; none for no such limit.
    pub whole: Option<Instant>,
}

impl Default for Timeouts {
    /// The defaults of varnishd's parameters of these names, and 15 s for a head.
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_millis(3500),
            first_byte: Duration::from_secs(60),
            head: Duration::from_secs(15),
            between_bytes: Duration::from_secs(60),
            whole: None,
        }
    }
}

impl Timeouts {
    /// The deadline of a phase that begins now.
    pub(crate) fn deadline(&self, phase: Phase, now: Instant) -> Deadline {
        let patience = match phase {
            Phase::Connecting => self.connect,
            Phase::FirstByte => self.first_byte,
            Phase::Head => self.head,
            Phase::Sending | Phase::Body => self.between_bytes,
        };
        Deadline::within(patience, phase, now).no_later_than(self.whole)
    }
}

/// When a phase must be over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    /// None where the wait is longer than the clock can tell.
    at: Option<Instant>,
    pub(crate) phase: Phase,
}

impl Deadline {
    /// The deadline of something that has this long from now on.
    pub(crate) fn within(time: Duration, phase: Phase, now: Instant) -> Self {
        Deadline { at: now.checked_add(time), phase }
    }

    /// A deadline at this point in time, or none.
    pub(crate) fn at(at: Option<Instant>, phase: Phase) -> Self {
        Deadline { at, phase }
    }

    /// The same phase, over at the earlier of its own deadline and another one, if there is another.
    pub(crate) fn no_later_than(self, other: Option<Instant>) -> Self {
        let at = match (self.at, other) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
        Deadline { at, ..self }
    }

    /// How long to wait at a time until then: the client is looked after now and then. Errors as
    /// [`remaining`](Self::remaining).
    pub(crate) fn wait(&self, now: Instant) -> Result<Duration, Error> {
        Ok(self.remaining(now)?.min(2 * LOOK))
    }

    /// What is left of it. Errors with [`Error::Timeout`] where nothing is.
    pub(crate) fn remaining(&self, now: Instant) -> Result<Duration, Error> {
        let Some(at) = self.at else {
            return Ok(LONGEST);
        };
        let left = at.saturating_duration_since(now);
        if left.is_zero() {
            return Err(Error::Timeout(self.phase));
        }
        Ok(left.min(LONGEST))
    }
}

/// What stands for "never".
const LONGEST: Duration = Duration::from_secs(3600);

/// How often whoever waits looks whether its client still waits. A socket's timeout is half of the wait.
const LOOK: Duration = Duration::from_secs(1);

/// Below this a socket's timeout is set to exactly what remains.
const FINE: Duration = Duration::from_millis(10);

/// The timeout that a socket should have, or none where the one that it `has` will do.
///
/// A socket's timeout starts anew with each read, so what remains of the deadline must be looked at
/// before each. But setting it costs a system call. So it is set to half of what remains, which stays
/// right for the following exchanges on the connection; a wait that reaches it asks again.
pub(crate) fn socket_timeout(has: Duration, remaining: Duration) -> Option<Duration> {
    let keeps_deadline = has <= remaining;
    let wakes_seldom = has >= remaining / 8;
    if keeps_deadline && wakes_seldom {
        return None;
    }
    Some(if remaining <= FINE { remaining } else { remaining / 2 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_ends_at_the_earlier_of_its_own_deadline_and_the_whole_exchanges() {
        let now = Instant::now();
        let mut timeouts = Timeouts { first_byte: Duration::from_secs(5), ..Timeouts::default() };
        let left = |timeouts: &Timeouts| timeouts.deadline(Phase::FirstByte, now).remaining(now).unwrap();
        assert_eq!(left(&timeouts), Duration::from_secs(5));
        timeouts.whole = Some(now + Duration::from_secs(2));
        assert_eq!(left(&timeouts), Duration::from_secs(2));
    }

    #[test]
    fn nothing_remains_once_the_deadline_has_come() {
        let now = Instant::now();
        let deadline = Timeouts::default().deadline(Phase::Head, now);
        let late = now + Timeouts::default().head;
        assert!(matches!(deadline.remaining(late), Err(Error::Timeout(Phase::Head))));
    }

    #[test]
    fn an_endless_timeout_is_no_overflow() {
        let timeouts = Timeouts { first_byte: Duration::MAX, ..Timeouts::default() };
        let now = Instant::now();
        let left = timeouts.deadline(Phase::FirstByte, now).remaining(now);
        assert_eq!(left.unwrap(), LONGEST);
    }

    #[test]
    fn a_socket_keeps_its_timeout_over_many_exchanges() {
        let second = Duration::from_secs(1);
        let set = socket_timeout(Duration::ZERO, 60 * second).unwrap();
        assert_eq!(set, 30 * second);
        for remaining in [60, 59, 45, 31, 30] {
            assert_eq!(socket_timeout(set, remaining * second), None);
        }
    }

    #[test]
    fn a_socket_never_waits_past_its_deadline() {
        let mut has = Duration::ZERO;
        let mut remaining = Duration::from_secs(60);
        let mut waits = 0;
        while !remaining.is_zero() {
            if let Some(set) = socket_timeout(has, remaining) {
                has = set;
            }
            assert!(has <= remaining && !has.is_zero());
            remaining -= has;
            waits += 1;
        }
        assert!(waits < 32, "{waits} waits");
    }
}
