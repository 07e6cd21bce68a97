//! What of an exchange is tried again. Pure: dispatch says what came of an attempt, and does what comes of it.

use std::time::Duration;

use crate::error::{Error, Phase};

/// What an exchange may try again beyond what is always tried again: another endpoint where one cannot be
/// connected to, and once more on a fresh connection where a reused one was closed without an answer. It
/// holds for idempotent requests (RFC 9110 section 9.2.2) whose body can be sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retry {
    /// How often a request may be sent again.
    pub attempts: u32,
    /// Statuses of an answer that is not taken, as long as there is an attempt left.
    pub statuses: Vec<u16>,
    /// How long to wait before each.
    pub backoff: Duration,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An answer with this status.
    Answer(u16),
    /// The reused connection was closed before the backend could have seen anything.
    Stale,
    /// The backend was too slow, or closed the connection, and may do better another time.
    Failed,
    /// It would be the same another time, or is no fault of the backend.
    Final,
}

/// How the next attempt goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Again {
    /// Whether a connection that has served another request will do.
    pub(crate) may_reuse: bool,
    pub(crate) wait: Duration,
}

impl Outcome {
    /// The outcome of an attempt that failed for another reason than a stale connection.
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::Closed { .. } | Error::Timeout(Phase::FirstByte | Phase::Head) => Outcome::Failed,
            _ => Outcome::Final,
        }
    }
}

impl Retry {
    /// Whether there is another attempt behind one with this outcome; so many counted ones have been made.
    pub(crate) fn again(&self, outcome: Outcome, made: u32) -> Option<Again> {
        let is_wanted = match outcome {
            // Nothing was tried yet: it neither counts nor waits.
            Outcome::Stale => return Some(Again { may_reuse: false, wait: Duration::ZERO }),
            Outcome::Answer(status) => self.statuses.contains(&status),
            Outcome::Failed => true,
            Outcome::Final => false,
        };
        (is_wanted && made < self.attempts).then_some(Again { may_reuse: true, wait: self.backoff })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_tried_again_as_the_data_says() {
        let never = Retry::default();
        let twice = Retry { attempts: 2, statuses: vec![503], backoff: Duration::from_millis(5) };
        let fresh = Some(Again { may_reuse: false, wait: Duration::ZERO });
        let again = Some(Again { may_reuse: true, wait: twice.backoff });
        let table = [
            ("a stale connection", &never, Outcome::Stale, 0, fresh),
            ("a stale connection behind all attempts", &twice, Outcome::Stale, 2, fresh),
            ("no retry is asked for", &never, Outcome::Failed, 0, None),
            ("a failure", &twice, Outcome::Failed, 1, again),
            ("no attempt is left", &twice, Outcome::Failed, 2, None),
            ("a status that is listed", &twice, Outcome::Answer(503), 0, again),
            ("one that is not", &twice, Outcome::Answer(500), 0, None),
            ("what would be the same", &twice, Outcome::Final, 0, None),
        ];
        for (name, retry, outcome, made, want) in table {
            assert_eq!(retry.again(outcome, made), want, "{name}");
        }
    }

    #[test]
    fn only_what_may_go_better_is_a_failure() {
        let closed = |phase| Error::Closed { phase, source: std::io::ErrorKind::UnexpectedEof.into() };
        let table = [
            (closed(Phase::FirstByte), Outcome::Failed),
            (Error::Timeout(Phase::FirstByte), Outcome::Failed),
            (Error::ClientGone, Outcome::Final),
            (Error::RequestBody, Outcome::Final),
            (Error::SlowRequest, Outcome::Final),
            (Error::BadResponse(crate::BadResponse::NotHttp), Outcome::Final),
        ];
        for (error, want) in table {
            assert_eq!(Outcome::of(&error), want, "{error}");
        }
    }
}
