//! For how long a response is fresh, how old it is, and for how long it may be used after that (RFC
//! 9111 section 4.2, RFC 5861). Each number comes with the rule that gave it.

mod age;
mod lifetime;
mod stale;

use crate::policy::FreshnessPolicy;
use crate::response::ResponseFields;

pub use age::Timing;
pub(crate) use lifetime::rule_of;
pub use lifetime::{Bound, Lifetime, LifetimeRule};
pub use stale::{Keep, KeepRule, Stale, StaleRule};

/// For how long a response may be used. All durations are whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// How long it is fresh, from when the origin made it.
    pub lifetime: Lifetime,
    /// How old it was when it was received (RFC 9111 section 4.2.3).
    pub age: u32,
    /// For how long after that it is used while a new one is fetched (RFC 5861 section 3).
    pub stale_while_revalidate: Stale,
    /// For how long after the lifetime it is used where the origin fails (RFC 5861 section 4).
    pub stale_if_error: Stale,
    /// For how long after all that it is kept, only to ask the origin whether it has changed.
    pub keep: Keep,
}

impl Freshness {
    /// What the policy makes of a response.
    pub fn of(policy: &FreshnessPolicy, fields: &ResponseFields<'_>, timing: Timing) -> Self {
        let lifetime = lifetime::of(policy, fields, timing.received);
        let [stale_while_revalidate, stale_if_error] = stale::of(policy, fields, lifetime.rule);
        Self {
            lifetime,
            age: age::initial(fields, timing),
            stale_while_revalidate,
            stale_if_error,
            keep: stale::keep(policy, fields),
        }
    }

    /// For how long it is fresh from when it was received: Varnish's `ttl`.
    pub fn fresh_for(&self) -> u32 {
        self.lifetime.seconds.saturating_sub(self.age)
    }

    /// For how long from when it was received it may be used at all, without asking the origin.
    pub fn usable_for(&self) -> u32 {
        let stale = self.stale_while_revalidate.seconds.max(self.stale_if_error.seconds);
        self.lifetime.seconds.saturating_add(stale).saturating_sub(self.age)
    }

    /// Whether anybody could ever use it.
    pub fn is_useful(&self) -> bool {
        self.usable_for() > 0 || self.keep.seconds > 0
    }
}
