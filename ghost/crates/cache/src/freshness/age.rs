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
