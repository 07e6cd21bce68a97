//! How old a response is when it arrives (RFC 9111 section 4.2.3).

use crate::delta_seconds;
use crate::response::ResponseFields;

/// When a response was asked for and received, in seconds since 1970 by this machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// When the request was sent.
    pub requested: i64,
    /// When the response's header was there.
    pub received: i64,
}

impl Timing {
    /// A response that came at once.
    pub fn at(now: i64) -> Self {
        Self { requested: now, received: now }
    }

    /// A response that was asked for and received at these times, which have fractions. The time between
    /// them is in whole seconds what it is, and not one more where a second begins in it.
    pub fn of(requested: f64, received: f64) -> Self {
        let delay = (received - requested).max(0.0) as i64;
        let received = received.floor() as i64;
        Self { requested: received.saturating_sub(delay), received }
    }
}

/// The corrected initial age: what Age says and the time of the exchange, or the time since Date,
/// whichever is more. A Date that is missing or no date is the time of arrival (RFC 9110 section
/// 6.6.1).
pub(super) fn initial(fields: &ResponseFields<'_>, timing: Timing) -> u32 {
    let received = timing.received;
    let apparent = received.saturating_sub(fields.date.unwrap_or(received));
    let delay = received.saturating_sub(timing.requested).max(0);
    let corrected = i64::from(fields.age.unwrap_or(0)).saturating_add(delay);
    delta_seconds::clamp(apparent.max(corrected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_took_as_long_as_it_took() {
        // RFC 9111 section 4.2.3: response_delay is response_time - request_time
        let table = [
            (10.0, 10.0, 10, 10),
            (10.1, 10.9, 10, 10),
            (10.999, 11.001, 11, 11),
            (10.5, 11.4, 11, 11),
            (10.5, 11.5, 10, 11),
            (10.0, 13.9, 10, 13),
            // the clock was set back
            (11.0, 10.5, 10, 10),
            (f64::NAN, 10.5, 10, 10),
        ];
        for (asked, came, requested, received) in table {
            assert_eq!(Timing::of(asked, came), Timing { requested, received }, "{asked} to {came}");
        }
    }
}
