//! For how long responses are kept: sentences, each with the section that it comes from.

use ghost_cache::freshness::{Bound, Freshness, KeepRule, LifetimeRule, StaleRule, Timing};
use ghost_cache::policy::{FreshnessPolicy, Heuristic, Mode, StaleWindow, StatusRule, Statuses};
use ghost_cache::response::{ResponseFields, Source};

/// Sun, 06 Nov 1994 08:49:37 GMT
const NOW: i64 = 784_111_777;
const DATE: (&str, &str) = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
const HOUR_LATER: &str = "Sun, 06 Nov 1994 09:49:37 GMT";
const HOUR_AGO: &str = "Sun, 06 Nov 1994 07:49:37 GMT";
const DAY_AGO: (&str, &str) = ("Last-Modified", "Sat, 05 Nov 1994 08:49:37 GMT");

const CC: &str = "Cache-Control";
const CDN: &str = "CDN-Cache-Control";
const OWN: &str = "Varnish-Gateway-Cache-Control";

type Lines<'a> = &'a [(&'a str, &'a str)];

/// What it is about, status, header fields, seconds, and why.
type Row<'a, W> = (&'a str, u16, Lines<'a>, u32, W);

fn of(policy: &FreshnessPolicy, status: u16, headers: Lines<'_>) -> Freshness {
    let fields = ResponseFields::read(policy, status, headers, NOW);
    Freshness::of(policy, &fields, Timing::at(NOW))
}

fn default() -> FreshnessPolicy {
    FreshnessPolicy::default()
}

#[test]
fn the_lifetime_is_what_the_first_rule_says_that_says_anything() {
    use LifetimeRule::{Expires, Heuristic, MaxAge, NoCache, Nothing, SMaxage};
    let cc = Source::CacheControl;
    let table: [Row<'_, LifetimeRule>; 37] = [
        // RFC 9111 section 4.2.1
        ("max-age", 200, &[(CC, "max-age=60")], 60, MaxAge(cc)),
        ("s-maxage, which is for shared caches", 200, &[(CC, "max-age=1, s-maxage=60")], 60, SMaxage(cc)),
        ("a shorter s-maxage too", 200, &[(CC, "s-maxage=1, max-age=3600")], 1, SMaxage(cc)),
        ("on another line", 200, &[(CC, "max-age=3600"), (CC, "s-maxage=1")], 1, SMaxage(cc)),
        (
            "s-maxage before Expires",
            200,
            &[(CC, "s-maxage=60"), ("Expires", HOUR_AGO), DATE],
            60,
            SMaxage(cc),
        ),
        ("max-age before Expires", 200, &[(CC, "max-age=60"), ("Expires", HOUR_AGO), DATE], 60, MaxAge(cc)),
        ("and before one that is invalid", 200, &[(CC, "max-age=60"), ("Expires", "0")], 60, MaxAge(cc)),
        ("and before a later one", 200, &[(CC, "max-age=0"), ("Expires", HOUR_LATER), DATE], 0, MaxAge(cc)),
        ("Expires, less Date", 200, &[("Expires", HOUR_LATER), DATE], 3600, Expires),
        ("Expires, less now", 200, &[("Expires", HOUR_LATER)], 3600, Expires),
        ("and where Date is none", 200, &[("Expires", HOUR_LATER), ("Date", "foo")], 3600, Expires),
        ("by the origin's clock", 200, &[("Expires", HOUR_LATER), ("Date", HOUR_AGO)], 7200, Expires),
        ("Expires of now", 200, &[("Expires", DATE.1), DATE], 0, Expires),
        ("Expires before Date", 200, &[("Expires", HOUR_AGO), DATE], 0, Expires),
        // section 5.3
        ("Expires that is no date", 200, &[("Expires", "0"), DATE], 0, Expires),
        ("the first of two", 200, &[("Expires", HOUR_AGO), ("Expires", HOUR_LATER), DATE], 0, Expires),
        // section 4.2.1: invalid freshness information is stale
        ("a negative max-age", 200, &[(CC, "max-age=-3600"), DAY_AGO, DATE], 0, MaxAge(cc)),
        ("s-maxage that is no number", 200, &[(CC, "s-maxage=x, max-age=60")], 0, SMaxage(cc)),
        ("the most restrictive directive", 200, &[(CC, "max-age=60, no-cache")], 0, NoCache(cc)),
        ("no-cache of single fields", 200, &[(CC, "max-age=60, no-cache=\"a\"")], 60, MaxAge(cc)),
        // section 5.4: Pragma of a response means nothing
        ("Pragma", 200, &[(CC, "max-age=60"), ("Pragma", "no-cache")], 60, MaxAge(cc)),
        // section 4.2.2
        ("a tenth of the time unchanged", 200, &[("Last-Modified", HOUR_AGO), DATE], 360, Heuristic),
        ("at most an hour", 200, &[DAY_AGO, DATE], 3600, Heuristic),
        ("less now", 200, &[("Last-Modified", HOUR_AGO)], 360, Heuristic),
        ("not from the future", 200, &[("Last-Modified", HOUR_LATER), DATE], 0, Nothing),
        ("of 404", 404, &[("Last-Modified", HOUR_AGO), DATE], 360, Heuristic),
        ("not of 201", 201, &[("Last-Modified", HOUR_AGO), DATE], 0, Nothing),
        ("not of 302", 302, &[("Last-Modified", HOUR_AGO), DATE], 0, Nothing),
        ("not of 503", 503, &[("Last-Modified", HOUR_AGO), DATE], 0, Nothing),
        ("unless it is public", 599, &[("Last-Modified", HOUR_AGO), DATE, (CC, "public")], 360, Heuristic),
        ("nothing at all", 200, &[], 0, Nothing),
        // RFC 9213 section 2.2
        (
            "CDN-Cache-Control",
            200,
            &[(CC, "max-age=1"), (CDN, "max-age=60")],
            60,
            MaxAge(Source::Targeted(1)),
        ),
        ("before Expires", 200, &[("Expires", "0"), (CDN, "max-age=60")], 60, MaxAge(Source::Targeted(1))),
        ("ours before it", 200, &[(CDN, "max-age=1"), (OWN, "s-maxage=2")], 2, SMaxage(Source::Targeted(0))),
        ("not one that is invalid", 200, &[(CC, "max-age=1"), (CDN, "max-age=60, &")], 1, MaxAge(cc)),
        ("its no-cache", 200, &[(CC, "max-age=1"), (CDN, "no-cache")], 0, NoCache(Source::Targeted(1))),
        ("that says nothing of it", 200, &[(CC, "max-age=1"), (CDN, "foo")], 0, Nothing),
    ];
    for (name, status, headers, seconds, rule) in table {
        let lifetime = of(&default(), status, headers).lifetime;
        assert_eq!((lifetime.seconds, lifetime.rule, lifetime.bound), (seconds, rule, None), "{name}");
    }
}

#[test]
fn an_error_is_not_kept_because_nobody_says_anything() {
    use LifetimeRule::{Default, Heuristic, MaxAge, Nothing};
    let policy = FreshnessPolicy { default: Some(100), ..default() };
    let modified = ("Last-Modified", HOUR_AGO);
    for status in [404, 405, 410, 414, 501] {
        let table: [Row<'_, LifetimeRule>; 4] = [
            ("nobody says anything", status, &[], 0, Nothing),
            ("the origin says that it may be", status, &[(CC, "public")], 100, Default),
            ("the origin says for how long", status, &[(CC, "max-age=5")], 5, MaxAge(Source::CacheControl)),
            ("the origin says since when (RFC 9111 section 4.2.2)", status, &[modified], 360, Heuristic),
        ];
        for (name, status, headers, seconds, rule) in table {
            let lifetime = of(&policy, status, headers).lifetime;
            assert_eq!((lifetime.seconds, lifetime.rule), (seconds, rule), "{status}: {name}");
        }
    }
}

#[test]
fn any_final_status_is_fresh_for_as_long_as_it_says() {
    // RFC 9111 section 3: a cache need not know a status to store it
    for status in [200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599] {
        assert_eq!(of(&default(), status, &[(CC, "max-age=60")]).lifetime.seconds, 60, "{status}");
    }
}

fn rule(statuses: Statuses, ttl: u32, mode: Mode) -> StatusRule {
    StatusRule { statuses, ttl, mode }
}

#[test]
fn a_policy_s_rules_for_statuses_are_as_strong_as_they_say() {
    use LifetimeRule::{Default, MaxAge, NoCache, Status};
    let policy = FreshnessPolicy {
        statuses: vec![
            rule(Statuses::Code(404), 5, Mode::Default),
            rule(Statuses::Class(4), 7, Mode::Override),
            rule(Statuses::Class(5), 9, Mode::Force),
        ],
        default: Some(100),
        heuristic: None,
        ..default()
    };
    let cc = Source::CacheControl;
    let table: [Row<'_, LifetimeRule>; 10] = [
        ("where the origin is silent", 404, &[], 5, Status(0, Mode::Default)),
        ("not where it says something", 404, &[(CC, "max-age=60")], 60, MaxAge(cc)),
        ("an override is before what it says", 410, &[(CC, "max-age=60")], 7, Status(1, Mode::Override)),
        ("and for a status that says nothing", 400, &[], 7, Status(1, Mode::Override)),
        ("not before no-cache", 410, &[(CC, "no-cache")], 0, NoCache(cc)),
        ("unless it is forced", 500, &[(CC, "no-cache")], 9, Status(2, Mode::Force)),
        ("a status without a rule", 200, &[], 100, Default),
        ("a default is for those that may be kept", 204, &[], 100, Default),
        ("and not for others", 302, &[], 0, LifetimeRule::Nothing),
        ("unless they are public", 302, &[(CC, "public")], 100, Default),
    ];
    for (name, status, headers, seconds, rule) in table {
        let lifetime = of(&policy, status, headers).lifetime;
        assert_eq!((lifetime.seconds, lifetime.rule), (seconds, rule), "{name}");
    }
}

#[test]
fn bounds_hold_for_what_the_origin_says() {
    let bounds = FreshnessPolicy {
        min: Some(10),
        max: Some(100),
        default: Some(1000),
        heuristic: Some(Heuristic { percent: 50, max: 10_000 }),
        statuses: vec![rule(Statuses::Code(301), 5, Mode::Override)],
        ..default()
    };
    let table: [Row<'_, Option<Bound>>; 10] = [
        ("too long", 200, &[(CC, "max-age=101")], 100, Some(Bound::Max)),
        ("at the most", 200, &[(CC, "max-age=100")], 100, None),
        ("too short", 200, &[(CC, "max-age=9")], 10, Some(Bound::Min)),
        ("none at all", 200, &[(CC, "max-age=0")], 10, Some(Bound::Min)),
        ("a guess", 200, &[DAY_AGO, DATE], 100, Some(Bound::Max)),
        ("no-cache stays", 200, &[(CC, "no-cache")], 0, None),
        ("an error is not kept longer than it says", 404, &[(CC, "max-age=0")], 0, None),
        ("nor longer than the most", 404, &[(CC, "max-age=101")], 100, Some(Bound::Max)),
        ("the policy's own numbers stay", 200, &[], 1000, None),
        ("those of its rules too", 301, &[(CC, "max-age=60")], 5, None),
    ];
    for (name, status, headers, seconds, bound) in table {
        let lifetime = of(&bounds, status, headers).lifetime;
        assert_eq!((lifetime.seconds, lifetime.bound), (seconds, bound), "{name}");
    }
    let crossed = FreshnessPolicy { min: Some(100), max: Some(10), ..default() };
    assert_eq!(of(&crossed, 200, &[(CC, "max-age=50")]).lifetime.seconds, 10, "the most counts");
}

#[test]
fn an_error_is_kept_no_longer_than_a_success_unless_told() {
    let mut policy =
        FreshnessPolicy { statuses: vec![rule(Statuses::Class(2), 60, Mode::Override)], ..default() };
    let table = [(200, 60, None), (404, 60, Some(Bound::Success)), (503, 60, Some(Bound::Success))];
    for (status, seconds, bound) in table {
        let lifetime = of(&policy, status, &[(CC, "max-age=3600")]).lifetime;
        assert_eq!((lifetime.seconds, lifetime.bound), (seconds, bound), "{status}");
    }
    assert_eq!(of(&policy, 404, &[(CC, "max-age=30")]).lifetime.seconds, 30);
    policy.statuses.push(rule(Statuses::Code(404), 600, Mode::Override));
    assert_eq!(of(&policy, 404, &[]).lifetime.seconds, 600, "the policy says so");
}

#[test]
fn a_response_is_as_old_as_age_the_exchange_or_date_say() {
    // RFC 9111 section 4.2.3
    let cc = (CC, "max-age=3600");
    let table: [(&str, Lines<'_>, i64, u32); 12] = [
        ("new", &[cc, DATE], 0, 0),
        ("as Age says", &[cc, DATE, ("Age", "30")], 0, 30),
        ("and as long as the exchange took", &[cc, DATE, ("Age", "30")], 5, 35),
        ("which alone counts too", &[cc, DATE], 5, 5),
        ("the time since Date", &[cc, ("Date", HOUR_AGO)], 0, 3600),
        ("if that is more", &[cc, ("Date", HOUR_AGO), ("Age", "3601")], 0, 3601),
        ("a Date to come is now", &[cc, ("Date", HOUR_LATER)], 0, 0),
        ("a Date that is none is now", &[cc, ("Date", "foo")], 0, 0),
        ("no Date is now", &[cc], 0, 0),
        ("an Age that is none", &[cc, DATE, ("Age", "-7200")], 0, 0),
        ("at most 2^31", &[cc, DATE, ("Age", "9999999999")], 5, 1 << 31),
        ("a clock that went back", &[cc, DATE], -5, 0),
    ];
    for (name, headers, took, age) in table {
        let fields = ResponseFields::read(&default(), 200, headers, NOW);
        let found = Freshness::of(&default(), &fields, Timing { requested: NOW - took, received: NOW });
        assert_eq!(found.age, age, "{name}");
        assert_eq!(found.fresh_for(), 3600_u32.saturating_sub(age), "{name}");
    }
}

#[test]
fn expires_counts_from_when_the_response_was_made() {
    // RFC 9111 sections 4.2.1 and 4.2.3
    let lifetime_less_age =
        |date, age| of(&default(), 200, &[("Date", date), ("Expires", HOUR_LATER), ("Age", age)]).fresh_for();
    assert_eq!(lifetime_less_age(HOUR_AGO, "0"), 3600, "an hour of two has passed by Date");
    assert_eq!(lifetime_less_age(DATE.1, "3601"), 0, "by Age it is stale");
}

#[test]
fn stale_responses_are_used_for_as_long_as_origin_and_policy_allow() {
    use StaleRule::{Default, Error, Forbidden, Max, Origin, Override};
    let plain = default();
    let window = StaleWindow { default: 7, max: Some(100), r#override: None };
    let windows = FreshnessPolicy { stale_while_revalidate: window, stale_if_error: window, ..default() };
    let own = StaleWindow { r#override: Some(5), ..window };
    let overriding = FreshnessPolicy { stale_while_revalidate: own, stale_if_error: own, ..default() };
    let lenient = FreshnessPolicy { stale_with_s_maxage: true, ..windows.clone() };
    let with_rule =
        |mode| FreshnessPolicy { statuses: vec![rule(Statuses::Code(200), 60, mode)], ..windows.clone() };
    let (overridden, forced) = (with_rule(Mode::Override), with_rule(Mode::Force));
    let both = |seconds, rule| [(seconds, rule), (seconds, rule)];
    let table = [
        // RFC 5861 sections 3 and 4
        (
            "as the origin says",
            &plain,
            200,
            "max-age=1, stale-while-revalidate=2, stale-if-error=3",
            [(2, Origin), (3, Origin)],
        ),
        ("not at all", &plain, 200, "max-age=1", both(0, Default)),
        ("as the policy says", &windows, 200, "max-age=1", both(7, Default)),
        ("each alone", &windows, 200, "max-age=1, stale-if-error=0", [(7, Default), (0, Origin)]),
        (
            "at most as long as the policy says",
            &windows,
            200,
            "max-age=1, stale-while-revalidate=101, stale-if-error=100",
            [(100, Max), (100, Origin)],
        ),
        ("no number", &windows, 200, "stale-while-revalidate=x", [(0, Origin), (7, Default)]),
        ("the policy instead", &overriding, 200, "max-age=1, stale-if-error=3", both(5, Override)),
        // RFC 9111 section 4.2.4
        (
            "must-revalidate",
            &windows,
            200,
            "max-age=1, must-revalidate, stale-if-error=3",
            both(0, Forbidden("must-revalidate")),
        ),
        (
            "proxy-revalidate",
            &windows,
            200,
            "max-age=1, proxy-revalidate",
            both(0, Forbidden("proxy-revalidate")),
        ),
        ("no-cache", &windows, 200, "no-cache", both(0, Forbidden("no-cache"))),
        (
            "and a policy does not change it",
            &overriding,
            200,
            "must-revalidate",
            both(0, Forbidden("must-revalidate")),
        ),
        // RFC 9111 section 5.2.2.10
        ("s-maxage", &windows, 200, "s-maxage=1, stale-if-error=3", both(0, Forbidden("s-maxage"))),
        (
            "unless the policy reads it otherwise",
            &lenient,
            200,
            "s-maxage=1, stale-if-error=3",
            [(0, Forbidden("s-maxage")), (3, Origin)],
        ),
        (
            "which changes nothing else",
            &lenient,
            200,
            "s-maxage=1, must-revalidate, stale-if-error=3",
            both(0, Forbidden("must-revalidate")),
        ),
        (
            "an override of the lifetime changes nothing",
            &overridden,
            200,
            "must-revalidate",
            both(0, Forbidden("must-revalidate")),
        ),
        ("what is forced", &forced, 200, "must-revalidate", both(7, Default)),
        // an error does not stand in for an error
        ("a failure", &windows, 503, "max-age=1, stale-if-error=9", [(0, Default), (0, Error)]),
        ("a 404 may", &windows, 404, "max-age=1", both(7, Default)),
    ];
    for (name, policy, status, cache_control, want) in table {
        let found = of(policy, status, &[(CC, cache_control)]);
        let found = [found.stale_while_revalidate, found.stale_if_error].map(|s| (s.seconds, s.rule));
        assert_eq!(found, want, "{name}");
    }
}

#[test]
fn only_what_can_be_asked_about_is_kept_for_that() {
    // RFC 9111 section 4.3.1
    let table: [(Lines<'_>, u32, KeepRule); 4] = [
        (&[("ETag", "\"a\"")], 3600, KeepRule::Policy),
        (&[DAY_AGO], 3600, KeepRule::Policy),
        (&[("ETag", "a")], 0, KeepRule::NoValidator),
        (&[], 0, KeepRule::NoValidator),
    ];
    for (headers, seconds, rule) in table {
        let keep = of(&default(), 200, headers).keep;
        assert_eq!((keep.seconds, keep.rule), (seconds, rule), "{headers:?}");
    }
}

#[test]
fn each_number_says_why() {
    let policy = FreshnessPolicy { max: Some(60), ..default() };
    let found = of(&policy, 200, &[(CC, "s-maxage=90"), ("ETag", "\"a\"")]);
    assert_eq!(
        found.lifetime.to_string(),
        "60 s: s-maxage of Cache-Control (RFC 9111 section 5.2.2.10), cut to the policy's most"
    );
    assert_eq!(
        found.stale_if_error.to_string(),
        "0 s: s-maxage forbids stale responses (RFC 9111 section 4.2.4)"
    );
    assert_eq!(found.keep.to_string(), "3600 s: the policy");
}
