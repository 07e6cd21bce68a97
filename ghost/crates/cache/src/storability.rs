//! Whether a response is stored (RFC 9111 section 3).

use std::fmt;

use ghost_route::Headers;

use crate::cache_control::Scope;
use crate::freshness::{Freshness, LifetimeRule, Timing, rule_of};
use crate::lookup::is_cacheable;
use crate::policy::{Authorization, Mode, Policy, SetCookie};
use crate::response::{ResponseFields, Source};
use crate::status::{is_heuristically_cacheable, is_never_stored, is_understood};

/// Fields that are not stored: they are between a client and a proxy (RFC 9111 section 3.1).
pub const NOT_STORED: [&str; 3] = ["proxy-authenticate", "proxy-authentication-info", "proxy-authorization"];

/// What became of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is stored.
    Store(Store),
    /// It goes to whoever asked for it, and nobody else.
    Pass(Pass),
}

/// How a response is stored. The fields that [`crate::cache_control::ResponseDirectives::withheld`]
/// names are not stored with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Store {
    /// For how long.
    pub freshness: Freshness,
    /// Whether Set-Cookie is removed first.
    pub removes_set_cookie: bool,
}

/// A response that is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Why not.
    pub reason: Reason,
    /// For how many seconds further requests do not wait for each other, since the next response
    /// will hardly be stored either. One that can be stored ends this.
    pub hit_for_miss: u32,
}

/// Why a response is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The request's method is none that a cache answers.
    Method,
    /// Its status is not final, or is about a part or a condition: 1xx, 206, 304.
    Status,
    /// Its status must not be stored: 428, 429, 431, 511 (RFC 6585).
    NeverStored,
    /// `must-understand`, and a status that is not known.
    MustUnderstand(Source),
    /// `no-store`.
    NoStore(Source),
    /// `private`.
    Private(Source),
    /// The request had Authorization, and the response does not say that it may be stored all the
    /// same.
    Authorization,
    /// It has Set-Cookie.
    SetCookie,
    /// Vary has a `*`.
    VaryStar,
    /// It is larger than the policy allows.
    TooLarge,
    /// The policy's rule for the status, with this index, keeps nothing.
    StatusRule(usize),
    /// Nothing says that it may be kept.
    Nothing,
    /// It is stale when it arrives, and could not even be asked about.
    Useless,
}

/// What of a request counts when its response comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The method.
    pub method: &'a [u8],
    /// Whether there is Authorization.
    pub has_authorization: bool,
}

impl<'a> Asked<'a> {
    /// Reads a request.
    pub fn read<H: Headers + ?Sized>(method: &'a [u8], headers: &H) -> Self {
        let has_authorization = headers.lines().any(|(name, _)| name.eq_ignore_ascii_case(b"authorization"));
        Self { method, has_authorization }
    }
}

/// Decides for a response to a request that looked into the cache ([`crate::lookup::decide`]).
pub fn decide(policy: &Policy, asked: Asked<'_>, fields: &ResponseFields<'_>, timing: Timing) -> Decision {
    let pass = |reason| {
        let hit_for_miss = if reason == Reason::Method { 0 } else { policy.storage.hit_for_miss };
        Decision::Pass(Pass { reason, hit_for_miss })
    };
    if let Some(reason) = forbidden(policy, asked, fields) {
        return pass(reason);
    }
    let freshness = Freshness::of(&policy.freshness, fields, timing);
    if let Some(reason) = unkept(fields, &freshness) {
        return pass(reason);
    }
    let removes_set_cookie = fields.has_set_cookie && policy.storage.set_cookie == SetCookie::Remove;
    Decision::Store(Store { freshness, removes_set_cookie })
}

/// Why the response must not be stored, whatever it says of its lifetime.
fn forbidden(policy: &Policy, asked: Asked<'_>, fields: &ResponseFields<'_>) -> Option<Reason> {
    let (status, directives, source) = (fields.status, &fields.directives, fields.source);
    if !is_cacheable(asked.method) {
        return Some(Reason::Method);
    }
    // Without the request that asked for a part, or set the condition, these say nothing.
    if status < 200 || matches!(status, 206 | 304) {
        return Some(Reason::Status);
    }
    let is_forced = rule_of(&policy.freshness, status).is_some_and(|(_, rule)| rule.mode == Mode::Force);
    if !is_forced {
        if is_never_stored(status) {
            return Some(Reason::NeverStored);
        }
        if directives.must_understand && !is_understood(status) {
            return Some(Reason::MustUnderstand(source));
        }
        if directives.no_store && !directives.must_understand {
            return Some(Reason::NoStore(source));
        }
        if directives.private == Scope::Whole {
            return Some(Reason::Private(source));
        }
    }
    let is_authorized = directives.public || directives.must_revalidate || directives.s_maxage.is_some();
    let authorization = policy.storage.authorization;
    if asked.has_authorization && authorization != Authorization::Ignore && !is_authorized {
        return Some(Reason::Authorization);
    }
    let withholds_it = || directives.withheld.iter().any(|name| name.eq_ignore_ascii_case(b"set-cookie"));
    if fields.has_set_cookie && policy.storage.set_cookie == SetCookie::Refuse && !withholds_it() {
        return Some(Reason::SetCookie);
    }
    if fields.varies_on_everything {
        return Some(Reason::VaryStar);
    }
    let is_too_large = |max| fields.content_length.is_some_and(|length| length > max);
    policy.storage.max_size.is_some_and(is_too_large).then_some(Reason::TooLarge)
}

/// Why the response is not worth storing.
fn unkept(fields: &ResponseFields<'_>, freshness: &Freshness) -> Option<Reason> {
    match freshness.lifetime.rule {
        LifetimeRule::Status(index, _) if freshness.lifetime.seconds == 0 => Some(Reason::StatusRule(index)),
        LifetimeRule::Nothing => Some(Reason::Nothing),
        // `no-cache` is no reason to store what could not be stored without it (RFC 9111 section
        // 3).
        LifetimeRule::NoCache(_) if !is_eligible(fields) => Some(Reason::Nothing),
        _ if !freshness.is_useful() => Some(Reason::Useless),
        _ => None,
    }
}

/// Whether something says that a response may be stored: the last condition of RFC 9111 section 3.
fn is_eligible(fields: &ResponseFields<'_>) -> bool {
    let directives = &fields.directives;
    directives.public
        || directives.max_age.is_some()
        || directives.s_maxage.is_some()
        || fields.expires.is_some()
        || is_heuristically_cacheable(fields.status)
}

impl Reason {
    /// Whether it says something of this request or its client alone: what is stored stays as good as
    /// it was.
    pub fn is_of_the_request(self) -> bool {
        matches!(self, Reason::Authorization | Reason::NeverStored)
    }

    /// A short name that does not change, for logs and Cache-Status.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Method => "method",
            Reason::Status | Reason::NeverStored => "status",
            Reason::MustUnderstand(_) => "must-understand",
            Reason::NoStore(_) => "no-store",
            Reason::Private(_) => "private",
            Reason::Authorization => "authorization",
            Reason::SetCookie => "set-cookie",
            Reason::VaryStar => "vary",
            Reason::TooLarge => "size",
            Reason::StatusRule(_) => "policy",
            Reason::Nothing => "no-lifetime",
            Reason::Useless => "stale",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Method => f.write_str("no cache answers its method (RFC 9111 section 3)"),
            Reason::Status => f.write_str("its status is about a part or a condition (RFC 9111 section 3)"),
            Reason::NeverStored => f.write_str("its status must not be stored (RFC 6585)"),
            Reason::MustUnderstand(source) => {
                write!(f, "must-understand of {source}, and an unknown status (RFC 9111 section 5.2.2.3)")
            }
            Reason::NoStore(source) => write!(f, "no-store of {source} (RFC 9111 section 5.2.2.5)"),
            Reason::Private(source) => write!(f, "private of {source} (RFC 9111 section 5.2.2.7)"),
            Reason::Authorization => f.write_str("the request has Authorization (RFC 9111 section 3.5)"),
            Reason::SetCookie => f.write_str("it has Set-Cookie (RFC 9111 section 7.3)"),
            Reason::VaryStar => f.write_str("it varies on everything (RFC 9111 section 4.1)"),
            Reason::TooLarge => f.write_str("it is larger than the policy allows"),
            Reason::StatusRule(_) => f.write_str("the policy's byStatus keeps nothing of this status"),
            Reason::Nothing => f.write_str("nothing says how long it is fresh (RFC 9111 section 3)"),
            Reason::Useless => f.write_str("it is stale already (RFC 9111 section 4.2)"),
        }
    }
}
