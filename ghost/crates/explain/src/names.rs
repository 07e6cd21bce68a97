//! What decisions name by its place in the policy, by its name.

use ghost_cache::freshness::{Lifetime, LifetimeRule};
use ghost_cache::lookup::Bypassed;
use ghost_cache::policy::{Policy, Statuses};
use ghost_cache::response::Source;
use ghost_cache::storability::Reason;

/// Why a request goes past the cache.
pub fn of_bypass(policy: &Policy, why: Bypassed) -> String {
    let bypass = &policy.bypass;
    let name = match why {
        Bypassed::Cookie(index) => bypass.cookies.get(index).map(ToString::to_string),
        Bypassed::Header(index) => bypass.headers.get(index).map(|header| text(&header.name)),
        Bypassed::PolicyMethod(index) => bypass.methods.get(index).map(|method| text(method)),
        Bypassed::Method | Bypassed::Body | Bypassed::Authorization | Bypassed::NoStore => None,
    };
    with(why.to_string(), name)
}

/// Why a response is not stored.
pub fn of_reason(policy: &Policy, why: Reason) -> String {
    let name = match why {
        Reason::MustUnderstand(source) | Reason::NoStore(source) | Reason::Private(source) => {
            field(policy, source)
        }
        Reason::StatusRule(index) => statuses(policy, index),
        _ => None,
    };
    with(why.to_string(), name)
}

/// Why a response is fresh for as long as it is.
pub fn of_lifetime(policy: &Policy, lifetime: Lifetime) -> String {
    let name = match lifetime.rule {
        LifetimeRule::NoCache(source) | LifetimeRule::SMaxage(source) | LifetimeRule::MaxAge(source) => {
            field(policy, source)
        }
        LifetimeRule::Status(index, _) => statuses(policy, index),
        _ => None,
    };
    with(lifetime.to_string(), name)
}

fn with(sentence: String, name: Option<String>) -> String {
    match name {
        Some(name) => format!("{sentence}: {name}"),
        None => sentence,
    }
}

fn field(policy: &Policy, source: Source) -> Option<String> {
    match source {
        Source::CacheControl => None,
        Source::Targeted(index) => policy.freshness.targeted.get(index).map(|name| text(name)),
    }
}

fn statuses(policy: &Policy, index: usize) -> Option<String> {
    policy.freshness.statuses.get(index).map(|rule| match rule.statuses {
        Statuses::Code(code) => code.to_string(),
        Statuses::Class(class) => format!("{class}xx"),
    })
}

/// Text of the policy.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
