//! Whether a stored response answers a request (RFC 9111 section 4). Allocates nothing.

use crate::cache_control::RequestDirectives;
use crate::freshness::{Freshness, StaleRule};

/// A stored response, as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// How old it is, in seconds (RFC 9111 section 4.2.3).
    pub age: u32,
    /// Its freshness lifetime.
    pub lifetime: u32,
    /// For how long after that it is used while a new one is fetched.
    pub stale_while_revalidate: u32,
    /// For how long after the lifetime it is used where the origin fails.
    pub stale_if_error: u32,
    /// Whether it may be used stale where the client asks for that: nothing in it forbids it.
    pub may_be_stale: bool,
}

/// What a request gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// The stored response, which is fresh.
    Fresh,
    /// The stored response, while a new one is fetched (RFC 5861 section 3).
    WhileRevalidate,
    /// The stored response, which the client takes stale (RFC 9111 section 5.2.1.2).
    MaxStale,
    /// Not this one, unless the origin says that it is still good. Where the client says
    /// `only-if-cached`, it gets a 504 (RFC 9111 section 5.2.1.7).
    Revalidate(NotReused),
}

/// Why a stored response is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotReused {
    /// It is stale.
    Stale,
    /// The client says `no-cache`.
    NoCache,
    /// It is older than the client's `max-age`.
    MaxAge,
    /// It is not fresh for as long as the client's `min-fresh`.
    MinFresh,
}

impl Candidate {
    /// A response that was stored with this freshness so many seconds ago.
    pub fn new(freshness: &Freshness, seconds_ago: u32) -> Self {
        let rule = freshness.stale_while_revalidate.rule;
        Self {
            age: freshness.age.saturating_add(seconds_ago),
            lifetime: freshness.lifetime.seconds,
            stale_while_revalidate: freshness.stale_while_revalidate.seconds,
            stale_if_error: freshness.stale_if_error.seconds,
            may_be_stale: !matches!(rule, StaleRule::Forbidden(_)),
        }
    }

    /// What a request with these wishes gets. They are the default where the policy does not heed
    /// clients.
    pub fn answers(&self, wishes: &RequestDirectives) -> Reuse {
        if wishes.no_cache {
            return Reuse::Revalidate(NotReused::NoCache);
        }
        // How long it has been stale; none while it is fresh: a response is fresh while its age is
        // less than its lifetime (RFC 9111 section 4.2).
        let stale = self.age.checked_sub(self.lifetime);
        let max_stale = wishes.max_stale.filter(|_| self.may_be_stale);
        if wishes.max_age.is_some_and(|max| self.age > max) && max_stale.is_none() {
            return Reuse::Revalidate(NotReused::MaxAge);
        }
        let Some(stale) = stale else {
            let is_enough = self.lifetime - self.age >= wishes.min_fresh.unwrap_or(0);
            return if is_enough { Reuse::Fresh } else { Reuse::Revalidate(NotReused::MinFresh) };
        };
        if wishes.min_fresh.is_some() {
            return Reuse::Revalidate(NotReused::MinFresh);
        }
        // max-age without max-stale asks for nothing stale (RFC 9111 section 5.2.1.1).
        if stale < self.stale_while_revalidate && wishes.max_age.is_none() {
            return Reuse::WhileRevalidate;
        }
        if max_stale.is_some_and(|max| stale <= max) {
            return Reuse::MaxStale;
        }
        Reuse::Revalidate(NotReused::Stale)
    }

    /// Whether it is used in place of an error: the origin cannot be reached, or answers with 500,
    /// 502, 503 or 504 (RFC 5861 section 4).
    pub fn stands_in_for_an_error(&self) -> bool {
        self.age < self.lifetime.saturating_add(self.stale_if_error)
    }
}

/// Whether this status of an origin is an error that a stale response may stand in for (RFC 5861
/// section 4).
pub fn is_error(status: u16) -> bool {
    matches!(status, 500 | 502..=504)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta_seconds;

    fn at(age: u32) -> Candidate {
        Candidate { age, lifetime: 100, stale_while_revalidate: 10, stale_if_error: 50, may_be_stale: true }
    }

    const NONE: RequestDirectives = RequestDirectives {
        max_age: None,
        max_stale: None,
        min_fresh: None,
        no_cache: false,
        no_store: false,
        only_if_cached: false,
    };

    #[test]
    fn a_response_is_fresh_until_its_age_is_its_lifetime() {
        use NotReused::{MaxAge, MinFresh, NoCache, Stale};
        use Reuse::{Fresh, MaxStale, Revalidate, WhileRevalidate};
        let max_age = |n| RequestDirectives { max_age: Some(n), ..NONE };
        let min_fresh = |n| RequestDirectives { min_fresh: Some(n), ..NONE };
        let max_stale = |n| RequestDirectives { max_stale: Some(n), ..NONE };
        let table = [
            // RFC 9111 section 4.2
            (0, NONE, Fresh),
            (99, NONE, Fresh),
            // RFC 5861 section 3
            (100, NONE, WhileRevalidate),
            (109, NONE, WhileRevalidate),
            (110, NONE, Revalidate(Stale)),
            // RFC 9111 section 5.2.1.4
            (0, RequestDirectives { no_cache: true, ..NONE }, Revalidate(NoCache)),
            // section 5.2.1.1
            (0, max_age(0), Fresh),
            (1, max_age(0), Revalidate(MaxAge)),
            (50, max_age(50), Fresh),
            (51, max_age(50), Revalidate(MaxAge)),
            (105, max_age(200), Revalidate(Stale)),
            (105, RequestDirectives { max_stale: Some(5), ..max_age(1) }, MaxStale),
            // section 5.2.1.3
            (50, min_fresh(50), Fresh),
            (51, min_fresh(50), Revalidate(MinFresh)),
            (105, min_fresh(0), Revalidate(MinFresh)),
            // section 5.2.1.2
            (120, max_stale(20), MaxStale),
            (121, max_stale(20), Revalidate(Stale)),
            (u32::MAX, max_stale(delta_seconds::MAX), Revalidate(Stale)),
            (1 << 31, max_stale(delta_seconds::MAX), MaxStale),
        ];
        for (age, wishes, want) in table {
            assert_eq!(at(age).answers(&wishes), want, "{age} {wishes:?}");
        }
    }

    #[test]
    fn a_client_cannot_have_stale_what_forbids_it() {
        // RFC 9111 section 4.2.4
        let strict = Candidate { may_be_stale: false, stale_while_revalidate: 0, ..at(101) };
        let wishes = RequestDirectives { max_stale: Some(1000), ..NONE };
        assert_eq!(strict.answers(&wishes), Reuse::Revalidate(NotReused::Stale));
    }

    #[test]
    fn a_stale_response_stands_in_for_an_error_for_its_time() {
        for (age, want) in [(0, true), (149, true), (150, false)] {
            assert_eq!(at(age).stands_in_for_an_error(), want, "{age}");
        }
        // RFC 5861 section 4
        for (status, want) in [(500, true), (501, false), (502, true), (503, true), (504, true), (404, false)]
        {
            assert_eq!(is_error(status), want, "{status}");
        }
    }
}
