//! What is stored: sentences, each with the section that it comes from.

use ghost_cache::freshness::Timing;
use ghost_cache::policy::{Authorization, Mode, Policy, SetCookie, StatusRule, Statuses};
use ghost_cache::response::{ResponseFields, Source};
use ghost_cache::storability::{Asked, Decision, Reason, decide};

const NOW: i64 = 784_111_777;
const CC: &str = "Cache-Control";
const CDN: &str = "CDN-Cache-Control";
const FRESH: (&str, &str) = (CC, "max-age=60");
const ETAG: (&str, &str) = ("ETag", "\"a\"");

type Lines<'a> = &'a [(&'a str, &'a str)];

fn decided(policy: &Policy, request: (&str, Lines<'_>), status: u16, response: Lines<'_>) -> Decision {
    let (method, headers) = request;
    let fields = ResponseFields::read(&policy.freshness, status, response, NOW);
    decide(policy, Asked::read(method.as_bytes(), headers), &fields, Timing::at(NOW))
}

fn reason(policy: &Policy, request: (&str, Lines<'_>), status: u16, response: Lines<'_>) -> Option<Reason> {
    match decided(policy, request, status, response) {
        Decision::Store(_) => None,
        Decision::Pass(pass) => Some(pass.reason),
    }
}

const GET: (&str, Lines<'static>) = ("GET", &[]);

#[test]
fn a_response_is_stored_unless_something_is_against_it() {
    use Reason::{Method, MustUnderstand, NeverStored, NoStore, Nothing, Private, Status, Useless, VaryStar};
    let cc = Source::CacheControl;
    let cdn = Source::Targeted(1);
    let table: [(&str, u16, Lines<'_>, Option<Reason>); 40] = [
        // RFC 9111 section 3
        ("fresh", 200, &[FRESH], None),
        ("an unknown status", 599, &[FRESH], None),
        ("an error", 503, &[FRESH], None),
        ("not final", 103, &[FRESH], Some(Status)),
        ("a part", 206, &[FRESH], Some(Status)),
        ("an answer to a condition", 304, &[FRESH], Some(Status)),
        ("a status that must not be", 429, &[FRESH], Some(NeverStored)),
        ("a status that must not be", 431, &[FRESH], Some(NeverStored)),
        ("no-store", 200, &[(CC, "no-store")], Some(NoStore(cc))),
        ("in any case", 200, &[(CC, "nO-StOrE")], Some(NoStore(cc))),
        ("whatever else it says", 200, &[(CC, "max-age=60, no-store")], Some(NoStore(cc))),
        ("on another line", 200, &[FRESH, (CC, "no-store")], Some(NoStore(cc))),
        ("private", 200, &[(CC, "private, max-age=60")], Some(Private(cc))),
        ("private for single fields", 200, &[(CC, "private=\"a\", max-age=60")], None),
        ("that names none", 200, &[(CC, "private=\"\", max-age=60")], Some(Private(cc))),
        ("no lifetime", 200, &[], Some(Nothing)),
        ("nothing but a validator", 200, &[ETAG], Some(Nothing)),
        ("public alone", 200, &[(CC, "public")], Some(Nothing)),
        ("stale on arrival", 200, &[FRESH, ("Age", "60")], Some(Useless)),
        ("but it can be asked about", 200, &[FRESH, ("Age", "60"), ETAG], None),
        ("Age of one second less", 200, &[FRESH, ("Age", "59")], None),
        ("no lifetime at all", 200, &[(CC, "max-age=0")], Some(Useless)),
        ("stale, but used so", 200, &[(CC, "max-age=0, stale-while-revalidate=1")], None),
        // section 5.2.2.4
        ("no-cache with a validator", 200, &[(CC, "no-cache"), ETAG], None),
        ("without one", 200, &[(CC, "no-cache, max-age=60")], Some(Useless)),
        ("and for single fields", 200, &[(CC, "no-cache=\"a\", max-age=60")], None),
        ("no-cache makes nothing storable", 302, &[(CC, "no-cache"), ETAG], Some(Nothing)),
        ("max-age does", 302, &[(CC, "no-cache, max-age=1"), ETAG], None),
        // section 5.2.2.3
        ("must-understand of a known status", 200, &[(CC, "max-age=60, no-store, must-understand")], None),
        ("of another", 599, &[(CC, "max-age=60, no-store, must-understand")], Some(MustUnderstand(cc))),
        ("without no-store too", 599, &[(CC, "max-age=60, must-understand")], Some(MustUnderstand(cc))),
        // section 4.1
        ("Vary", 200, &[FRESH, ("Vary", "Accept")], None),
        ("of everything", 200, &[FRESH, ("Vary", "Accept"), ("Vary", ", *")], Some(VaryStar)),
        // RFC 9213 section 2.2
        ("targeted", 200, &[(CC, "no-store"), (CDN, "max-age=60")], None),
        ("targeted private", 200, &[FRESH, (CDN, "private")], Some(Private(cdn))),
        ("targeted no-store", 200, &[FRESH, (CDN, "no-store")], Some(NoStore(cdn))),
        ("targeted and invalid", 200, &[(CC, "no-store"), (CDN, "max-age=60, &&")], Some(NoStore(cc))),
        ("of another type", 200, &[(CC, "no-store"), (CDN, "max-age=\"60\"")], Some(NoStore(cc))),
        ("targeted and empty", 200, &[(CC, "no-store"), (CDN, "")], Some(NoStore(cc))),
        ("targeted no-cache", 200, &[FRESH, (CDN, "no-cache")], Some(Useless)),
    ];
    for (name, status, response, want) in table {
        assert_eq!(reason(&Policy::default(), GET, status, response), want, "{name}");
    }
    assert_eq!(reason(&Policy::default(), ("HEAD", &[]), 200, &[FRESH]), None);
    assert_eq!(reason(&Policy::default(), ("POST", &[]), 200, &[FRESH]), Some(Method));
}

#[test]
fn what_authorization_asked_for_is_stored_where_the_response_says_so() {
    // RFC 9111 section 3.5
    let table = [
        ("max-age=60", Some(Reason::Authorization)),
        ("max-age=60, public", None),
        ("s-maxage=60", None),
        ("max-age=60, must-revalidate", None),
        ("max-age=60, proxy-revalidate", Some(Reason::Authorization)),
        ("max-age=60, public, private", Some(Reason::Private(Source::CacheControl))),
    ];
    let request: (&str, Lines<'_>) = ("GET", &[("authorization", "x")]);
    let mut policy = Policy::default();
    for (cache_control, want) in table {
        assert_eq!(reason(&policy, request, 200, &[(CC, cache_control)]), want, "{cache_control}");
    }
    policy.storage.authorization = Authorization::Ignore;
    assert_eq!(reason(&policy, request, 200, &[FRESH]), None);
}

#[test]
fn a_response_with_set_cookie_is_stored_as_the_policy_says() {
    // RFC 9111 section 7.3
    let cookie = ("Set-Cookie", "a=b");
    let mut policy = Policy::default();
    let table: [(&str, SetCookie, Lines<'_>, Option<Reason>, bool); 7] = [
        ("not", SetCookie::Refuse, &[FRESH, cookie], Some(Reason::SetCookie), false),
        (
            "not if it is public",
            SetCookie::Refuse,
            &[(CC, "public, max-age=60"), cookie],
            Some(Reason::SetCookie),
            false,
        ),
        ("without it", SetCookie::Remove, &[FRESH, cookie], None, true),
        ("nothing to remove", SetCookie::Remove, &[FRESH], None, false),
        ("with it", SetCookie::Store, &[FRESH, cookie], None, false),
        // sections 5.2.2.4 and 5.2.2.7: the origin says that it is not stored with the response
        ("withheld", SetCookie::Refuse, &[FRESH, (CC, "no-cache=\"Set-Cookie\""), cookie], None, false),
        ("withheld", SetCookie::Refuse, &[FRESH, (CC, "private=\"x, set-cookie\""), cookie], None, false),
    ];
    for (name, set_cookie, response, want, removes) in table {
        policy.storage.set_cookie = set_cookie;
        assert_eq!(reason(&policy, GET, 200, response), want, "{name}");
        if let Decision::Store(store) = decided(&policy, GET, 200, response) {
            assert_eq!(store.removes_set_cookie, removes, "{name}");
        }
    }
}

#[test]
fn cookies_of_a_request_keep_nothing_from_being_stored() {
    let request: (&str, Lines<'_>) = ("GET", &[("Cookie", "a=b")]);
    assert_eq!(reason(&Policy::default(), request, 200, &[FRESH]), None);
}

#[test]
fn an_object_has_a_bound() {
    let mut policy = Policy::default();
    policy.storage.max_size = Some(100);
    let table = [("100", None), ("101", Some(Reason::TooLarge)), ("x", None)];
    for (length, want) in table {
        assert_eq!(reason(&policy, GET, 200, &[FRESH, ("Content-Length", length)]), want, "{length}");
    }
    assert_eq!(reason(&policy, GET, 200, &[FRESH]), None, "no length is known");
}

#[test]
fn a_rule_for_a_status_can_store_and_can_forbid() {
    let mut policy = Policy::default();
    let rule = |status, ttl, mode| StatusRule { statuses: Statuses::Code(status), ttl, mode };
    policy.freshness.statuses = vec![
        rule(200, 60, Mode::Override),
        rule(404, 0, Mode::Override),
        rule(302, 60, Mode::Default),
        rule(429, 1, Mode::Force),
        rule(503, 1, Mode::Force),
    ];
    let cc = Source::CacheControl;
    let table: [(&str, u16, &str, Option<Reason>); 9] = [
        ("an override is a lifetime", 200, "max-age=0", None),
        ("and does not store what must not be", 200, "no-store", Some(Reason::NoStore(cc))),
        ("nor private things", 200, "private", Some(Reason::Private(cc))),
        ("none at all", 404, "max-age=60", Some(Reason::StatusRule(1))),
        ("a default where nothing is said", 302, "x", None),
        ("not where something is", 302, "max-age=0", Some(Reason::Useless)),
        ("what is forced", 503, "no-store, private", None),
        ("what is forced", 429, "max-age=60", None),
        ("must-understand too", 503, "must-understand, no-store", None),
    ];
    for (name, status, cache_control, want) in table {
        assert_eq!(reason(&policy, GET, status, &[(CC, cache_control)]), want, "{name}");
    }
}

#[test]
fn what_is_not_stored_tells_the_next_not_to_wait() {
    let mut policy = Policy::default();
    policy.storage.hit_for_miss = 7;
    let hit_for_miss = |request, response| match decided(&policy, request, 200, response) {
        Decision::Pass(pass) => pass.hit_for_miss,
        Decision::Store(store) => panic!("it is stored: {store:?}"),
    };
    assert_eq!(hit_for_miss(GET, &[(CC, "no-store")]), 7);
    assert_eq!(hit_for_miss(GET, &[]), 7);
    // nobody waits for what no cache answers
    assert_eq!(hit_for_miss(("POST", &[]), &[FRESH]), 0);
}

#[test]
fn some_answers_say_nothing_of_what_is_stored() {
    // RFC 9111 section 3.5, RFC 6585: they are for one client. The others tell what the origin has now.
    let table = [
        ("Authorization", ("GET", &[("Authorization", "x")][..]), 200, FRESH, true),
        ("too many requests", GET, 429, FRESH, true),
        ("gone", GET, 404, (CC, "no-store"), false),
        ("private by now", GET, 200, (CC, "private"), false),
    ];
    for (name, request, status, header, want) in table {
        let found = reason(&Policy::default(), request, status, &[header]).map(Reason::is_of_the_request);
        assert_eq!(found, Some(want), "{name}");
    }
}

#[test]
fn each_reason_has_a_name_and_a_sentence() {
    let why = reason(&Policy::default(), GET, 200, &[FRESH, (CDN, "private")]).unwrap();
    assert_eq!(why.name(), "private");
    assert_eq!(why.to_string(), "private of targeted field 1 (RFC 9111 section 5.2.2.7)");
}
