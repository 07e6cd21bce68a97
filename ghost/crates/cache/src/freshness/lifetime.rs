//! The freshness lifetime (RFC 9111 section 4.2.1), as origin and policy give it.

use std::fmt;

use crate::cache_control::Scope;
use crate::delta_seconds;
use crate::policy::{FreshnessPolicy, Mode, StatusRule};
use crate::response::{Expires, ResponseFields, Source};
use crate::status::is_heuristically_cacheable;

/// A freshness lifetime, and why it is this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// How long.
    pub seconds: u32,
    /// What said so.
    pub rule: LifetimeRule,
    /// What made it longer or shorter.
    pub bound: Option<Bound>,
}

/// What a lifetime comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifetimeRule {
    /// The policy's rule for the status, with this index and strength.
    Status(usize, Mode),
    /// `no-cache`: none at all (RFC 9111 section 5.2.2.4).
    NoCache(Source),
    /// `s-maxage` (RFC 9111 section 5.2.2.10).
    SMaxage(Source),
    /// `max-age` (RFC 9111 section 5.2.2.1).
    MaxAge(Source),
    /// Expires, less Date (RFC 9111 section 5.3).
    Expires,
    /// Last-Modified (RFC 9111 section 4.2.2).
    Heuristic,
    /// The policy's default.
    Default,
    /// Nothing says anything: none at all.
    Nothing,
}

/// What changed a lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It is the policy's least.
    Min,
    /// It is the policy's most.
    Max,
    /// It is that of a success: an error is kept no longer.
    Success,
}

/// The lifetime of a response that was received at `received`.
pub(super) fn of(policy: &FreshnessPolicy, fields: &ResponseFields<'_>, received: i64) -> Lifetime {
    let lifetime = with_status(policy, fields, fields.status, received);
    let is_told = matches!(lifetime.rule, LifetimeRule::Status(..));
    if fields.status < 400 || is_told {
        return lifetime;
    }
    // An error is kept no longer than a success with the same fields would be.
    let success = with_status(policy, fields, 200, received).seconds;
    if success < lifetime.seconds {
        return Lifetime { seconds: success, bound: Some(Bound::Success), ..lifetime };
    }
    lifetime
}

fn with_status(
    policy: &FreshnessPolicy,
    fields: &ResponseFields<'_>,
    status: u16,
    received: i64,
) -> Lifetime {
    let rule = rule_of(policy, status);
    let lifetime = |seconds, rule| Lifetime { seconds, rule, bound: None };
    let by_status = |index, rule: &StatusRule| lifetime(rule.ttl, LifetimeRule::Status(index, rule.mode));
    if let Some((index, rule)) = rule
        && rule.mode == Mode::Force
    {
        return by_status(index, rule);
    }
    // The most restrictive directive counts (RFC 9111 section 4.2.1).
    if fields.directives.no_cache == Scope::Whole {
        return lifetime(0, LifetimeRule::NoCache(fields.source));
    }
    if let Some((index, rule)) = rule
        && rule.mode == Mode::Override
    {
        return by_status(index, rule);
    }
    if let Some((seconds, rule)) = said(fields, received) {
        return bounded(policy, status, lifetime(seconds, rule));
    }
    if let Some((index, rule)) = rule {
        return by_status(index, rule);
    }
    // What nothing explicit is said of can be kept where its status is such, or it is marked so.
    if !is_heuristically_cacheable(status) && !fields.directives.public {
        return lifetime(0, LifetimeRule::Nothing);
    }
    if let Some(seconds) = guessed(policy, fields, received) {
        return bounded(policy, status, lifetime(seconds, LifetimeRule::Heuristic));
    }
    // An error is kept where the origin or a rule says so, not because nobody says anything.
    let is_error = status >= 400 && !fields.directives.public;
    let default = policy.default.filter(|_| !is_error);
    default.map_or(lifetime(0, LifetimeRule::Nothing), |ttl| lifetime(ttl, LifetimeRule::Default))
}

/// The policy's rule for a status, with its index.
pub(crate) fn rule_of(policy: &FreshnessPolicy, status: u16) -> Option<(usize, &StatusRule)> {
    policy.statuses.iter().enumerate().find(|(_, rule)| rule.statuses.contain(status))
}

/// What the origin says (RFC 9111 section 4.2.1).
fn said(fields: &ResponseFields<'_>, received: i64) -> Option<(u32, LifetimeRule)> {
    let directives = &fields.directives;
    if let Some(delta) = directives.s_maxage {
        return Some((delta.seconds(), LifetimeRule::SMaxage(fields.source)));
    }
    if let Some(delta) = directives.max_age {
        return Some((delta.seconds(), LifetimeRule::MaxAge(fields.source)));
    }
    let seconds = match fields.expires? {
        Expires::At(moment) => moment.saturating_sub(fields.date.unwrap_or(received)),
        Expires::Invalid => 0,
    };
    Some((delta_seconds::clamp(seconds), LifetimeRule::Expires))
}

/// A part of the time since the last modification (RFC 9111 section 4.2.2).
fn guessed(policy: &FreshnessPolicy, fields: &ResponseFields<'_>, received: i64) -> Option<u32> {
    let heuristic = policy.heuristic?;
    let (_, modified) = fields.last_modified?;
    let unchanged = fields.date.unwrap_or(received).saturating_sub(modified);
    // A modification that is still to come says nothing.
    let unchanged = (unchanged >= 0).then(|| u64::from(delta_seconds::clamp(unchanged)))?;
    let part = unchanged * u64::from(heuristic.percent) / 100;
    Some(u32::try_from(part).unwrap_or(u32::MAX).min(heuristic.max))
}

fn bounded(policy: &FreshnessPolicy, status: u16, lifetime: Lifetime) -> Lifetime {
    let Lifetime { seconds, .. } = lifetime;
    let min = policy.min.filter(|min| status < 400 && seconds < *min);
    if let Some(max) = policy.max.filter(|max| min.unwrap_or(seconds) > *max) {
        return Lifetime { seconds: max, bound: Some(Bound::Max), ..lifetime };
    }
    min.map_or(lifetime, |seconds| Lifetime { seconds, bound: Some(Bound::Min), ..lifetime })
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s: {}", self.seconds, self.rule)?;
        match self.bound {
            Some(Bound::Min) => f.write_str(", raised to the policy's least"),
            Some(Bound::Max) => f.write_str(", cut to the policy's most"),
            Some(Bound::Success) => f.write_str(", cut to the lifetime of a success"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for LifetimeRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |f: &mut fmt::Formatter<'_>, directive, source: &Source, section| {
            write!(f, "{directive} of {source} (RFC 9111 section {section})")
        };
        match self {
            LifetimeRule::Status(_, mode) => write!(f, "the policy's byStatus, {}", mode.name()),
            LifetimeRule::NoCache(source) => of(f, "no-cache", source, "5.2.2.4"),
            LifetimeRule::SMaxage(source) => of(f, "s-maxage", source, "5.2.2.10"),
            LifetimeRule::MaxAge(source) => of(f, "max-age", source, "5.2.2.1"),
            LifetimeRule::Expires => f.write_str("Expires (RFC 9111 section 5.3)"),
            LifetimeRule::Heuristic => f.write_str("guessed from Last-Modified (RFC 9111 section 4.2.2)"),
            LifetimeRule::Default => f.write_str("the policy's default"),
            LifetimeRule::Nothing => f.write_str("nothing says how long it is fresh"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::CacheControl => f.write_str("Cache-Control"),
            Source::Targeted(index) => write!(f, "targeted field {index}"),
        }
    }
}
