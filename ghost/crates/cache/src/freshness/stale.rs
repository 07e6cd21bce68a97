//! For how long a response may be used once it is stale (RFC 9111 section 4.2.4, RFC 5861).

use std::fmt;

use crate::cache_control::Delta;
use crate::policy::{FreshnessPolicy, Mode, StaleWindow};
use crate::response::ResponseFields;

use super::lifetime::LifetimeRule;

/// A time in which a stale response may be used, and why it is this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stale {
    /// How long.
    pub seconds: u32,
    /// What said so.
    pub rule: StaleRule,
}

/// What such a time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaleRule {
    /// This directive forbids it (RFC 9111 section 4.2.4).
    Forbidden(&'static str),
    /// The response is the error that a stale one would be used in place of.
    Error,
    /// The policy says so, whatever the origin does.
    Override,
    /// The origin says so (RFC 5861).
    Origin,
    /// The origin says so, and the policy's most is less.
    Max,
    /// The policy's default.
    Default,
}

/// For how long a response is kept only to be asked about, and why it is this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// How long.
    pub seconds: u32,
    /// What said so.
    pub rule: KeepRule,
}

/// What such a time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepRule {
    /// The policy.
    Policy,
    /// The response has no validator, by which the origin could be asked (RFC 9111 section 4.3.1).
    NoValidator,
}

/// The times of stale-while-revalidate and stale-if-error.
pub(super) fn of(policy: &FreshnessPolicy, fields: &ResponseFields<'_>, rule: LifetimeRule) -> [Stale; 2] {
    let directives = &fields.directives;
    let forbidden = match rule {
        LifetimeRule::Status(_, Mode::Force) => None,
        _ => directives.forbids_stale(),
    };
    let window = |window: &StaleWindow, said: Option<Delta>| {
        let is_meant = forbidden == Some("s-maxage") && policy.stale_with_s_maxage && said.is_some();
        match forbidden.filter(|_| !is_meant) {
            Some(directive) => Stale { seconds: 0, rule: StaleRule::Forbidden(directive) },
            None => of_window(window, said, fields.status),
        }
    };
    let while_revalidate = window(&policy.stale_while_revalidate, directives.stale_while_revalidate);
    let if_error = match is_error(fields.status) {
        true => Stale { seconds: 0, rule: StaleRule::Error },
        false => window(&policy.stale_if_error, directives.stale_if_error),
    };
    [while_revalidate, if_error]
}

/// The errors in whose place a stale response is used (RFC 5861 section 4).
fn is_error(status: u16) -> bool {
    status >= 500
}

fn of_window(window: &StaleWindow, said: Option<Delta>, status: u16) -> Stale {
    if let Some(seconds) = window.r#override {
        return Stale { seconds, rule: StaleRule::Override };
    }
    match (said.map(Delta::seconds), window.max) {
        (Some(seconds), Some(max)) if seconds > max => Stale { seconds: max, rule: StaleRule::Max },
        (Some(seconds), _) => Stale { seconds, rule: StaleRule::Origin },
        (None, _) => {
            let seconds = if is_error(status) { 0 } else { window.default };
            Stale { seconds, rule: StaleRule::Default }
        }
    }
}

/// For how long the response is kept to be asked about.
pub(super) fn keep(policy: &FreshnessPolicy, fields: &ResponseFields<'_>) -> Keep {
    if fields.has_validator() {
        Keep { seconds: policy.keep, rule: KeepRule::Policy }
    } else {
        Keep { seconds: 0, rule: KeepRule::NoValidator }
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s: ", self.seconds)?;
        match self.rule {
            StaleRule::Forbidden(directive) => {
                write!(f, "{directive} forbids stale responses (RFC 9111 section 4.2.4)")
            }
            StaleRule::Error => f.write_str("it is an error itself (RFC 5861 section 4)"),
            StaleRule::Override => f.write_str("the policy, whatever the origin says"),
            StaleRule::Origin => f.write_str("the origin (RFC 5861)"),
            StaleRule::Max => f.write_str("the origin (RFC 5861), cut to the policy's most"),
            StaleRule::Default => f.write_str("the policy's default"),
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.rule {
            KeepRule::Policy => "the policy",
            KeepRule::NoValidator => "there is no validator (RFC 9111 section 4.3.1)",
        };
        write!(f, "{} s: {why}", self.seconds)
    }
}
