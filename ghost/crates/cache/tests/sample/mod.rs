//! Requests, responses and policies of few words, so that they meet.

use ghost_cache::cache_control::RequestDirectives;
use ghost_cache::policy::{
    Coding, FreshnessPolicy, Heuristic, KeyPolicy, Languages, Mode, NamePattern, Parameters, Policy,
    QueryKey, SetCookie, StaleWindow, StatusRule, Statuses, StoragePolicy,
};
use proptest::prelude::*;
use proptest::sample::select;

/// Sun, 06 Nov 1994 08:49:37 GMT
pub const NOW: i64 = 784_111_777;

pub type Lines = Vec<(String, String)>;

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub zone: bool,
    pub identity: String,
    pub is_https: bool,
    pub host: String,
    pub target: String,
    pub headers: Lines,
}

#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: Lines,
}

fn patterns() -> impl Strategy<Value = Vec<NamePattern>> {
    prop::collection::vec(select(vec!["a", "b", "a*", "c"]).prop_map(NamePattern::from), 0..3)
}

pub fn key_policy() -> impl Strategy<Value = KeyPolicy> {
    let parameters = prop_oneof![
        Just(Parameters::All),
        patterns().prop_map(Parameters::Include),
        patterns().prop_map(Parameters::Exclude),
    ];
    let query = (parameters, any::<bool>(), any::<bool>())
        .prop_map(|(parameters, sort, drop_empty)| QueryKey { parameters, sort, drop_empty });
    let headers = prop::collection::vec(select(vec!["x-a", "x-b"]), 0..3)
        .prop_map(|names| names.into_iter().map(|name| name.as_bytes().into()).collect());
    let codings = prop::collection::vec(select(vec![Coding::Brotli, Coding::Gzip]), 0..3);
    let languages =
        prop::option::of(Just(Languages { default: "en".into(), others: vec!["de".into(), "de-CH".into()] }));
    (any::<bool>(), query, headers, patterns(), codings, languages).prop_map(
        |(scheme, query, headers, cookies, codings, languages)| KeyPolicy {
            scheme,
            query,
            headers,
            cookies,
            codings,
            languages,
        },
    )
}

pub fn field_name() -> impl Strategy<Value = &'static str> {
    select(vec!["x-a", "X-A", "x-b", "cookie", "accept-encoding", "accept-language", "other"])
}

fn line() -> impl Strategy<Value = (String, String)> {
    let value = |name: &'static str| match name.to_lowercase().as_str() {
        "cookie" => select(vec!["a=1", "a=2; b=1", "ab=1;a=1", "c", "", "d=1", "a=1; d=2"]),
        "accept-encoding" => select(vec!["gzip", "br", "gzip, br", "gzip;q=0.5,br", "", "x"]),
        "accept-language" => select(vec!["de", "de-CH", "fr, en", "fr,en", "de;q=0.1, en", ""]),
        _ => select(vec!["1", "2", "1, 2", "1,2", "", " 1", "\t2 "]),
    };
    field_name().prop_flat_map(move |name| value(name).prop_map(|v| (name.to_owned(), v.to_owned())))
}

fn target() -> impl Strategy<Value = String> {
    let parameter = select(vec!["a=1", "a=2", "b=1", "ab=1", "%61=1", "c", "", "A=1", "d="]);
    let query = prop::collection::vec(parameter, 0..4).prop_map(|parameters| parameters.join("&"));
    (select(vec!["/", "/a", "/A", "/%61", "/a/"]), prop::option::of(query))
        .prop_map(|(path, query)| query.map_or(path.to_owned(), |query| format!("{path}?{query}")))
}

fn request() -> impl Strategy<Value = Asked> {
    let host = select(vec!["a.io", "A.io", "a.io:80", "a.io:8080", "a.io.", "b.io"]);
    let identity = select(vec!["r", "s"]);
    (any::<bool>(), identity, any::<bool>(), host, target(), prop::collection::vec(line(), 0..4)).prop_map(
        |(zone, identity, is_https, host, target, headers)| Asked {
            zone,
            identity: identity.to_owned(),
            is_https,
            host: host.to_owned(),
            target,
            headers,
        },
    )
}

/// Two requests that differ in a few things.
pub fn two_requests() -> impl Strategy<Value = (Asked, Asked)> {
    (request(), request(), prop::collection::vec(prop::bool::weighted(0.3), 6)).prop_map(
        |(one, second, differs)| {
            let mut other = one.clone();
            if differs[0] {
                (other.zone, other.identity) = (second.zone, second.identity);
            }
            if differs[1] {
                other.is_https = second.is_https;
            }
            if differs[2] {
                other.host = second.host;
            }
            if differs[3] {
                other.target = second.target;
            }
            if differs[4] {
                other.headers = second.headers;
            }
            if differs[5] {
                other.headers.reverse();
            }
            (one, other)
        },
    )
}

pub fn status() -> impl Strategy<Value = u16> {
    prop_oneof![select(vec![200, 301, 302, 404, 429, 500, 503, 599]), 200..600u16]
}

pub fn response() -> impl Strategy<Value = Response> {
    let directive = prop_oneof![
        (select(vec!["max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"]), 0..10_000u32)
            .prop_map(|(name, seconds)| format!("{name}={seconds}")),
        select(vec![
            "no-store",
            "no-cache",
            "no-cache=\"a\"",
            "private",
            "public",
            "must-revalidate",
            "must-understand",
            "max-age=x",
            "foo",
        ])
        .prop_map(str::to_owned),
    ];
    let date = select(vec![
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 07:49:37 GMT",
        "Sun, 06 Nov 1994 09:49:37 GMT",
        "0",
    ])
    .prop_map(str::to_owned);
    let line = prop_oneof![
        4 => directive.clone().prop_map(|value| ("Cache-Control".to_owned(), value)),
        1 => directive.prop_map(|value| ("CDN-Cache-Control".to_owned(), value)),
        2 => (select(vec!["Date", "Expires", "Last-Modified"]), date).prop_map(|(n, v)| (n.to_owned(), v)),
        2 => select(vec![("ETag", "\"a\""), ("Set-Cookie", "a=b"), ("Vary", "a"), ("Vary", "*")])
            .prop_map(|(name, value)| (name.to_owned(), value.to_owned())),
    ];
    (status(), prop::collection::vec(line, 0..5)).prop_map(|(status, headers)| Response { status, headers })
}

fn seconds() -> impl Strategy<Value = Option<u32>> {
    prop::option::of(0..10_000u32)
}

fn window() -> impl Strategy<Value = StaleWindow> {
    (0..1000u32, seconds(), seconds()).prop_map(|(default, max, r#override)| StaleWindow {
        default,
        max,
        r#override,
    })
}

pub fn policy() -> impl Strategy<Value = Policy> {
    let statuses = prop_oneof![(2..6u8).prop_map(Statuses::Class), status().prop_map(Statuses::Code)];
    let mode = select(vec![Mode::Default, Mode::Override, Mode::Force]);
    let rule =
        (statuses, 0..10_000u32, mode).prop_map(|(statuses, ttl, mode)| StatusRule { statuses, ttl, mode });
    let heuristic =
        prop::option::of((any::<u8>(), 0..10_000u32).prop_map(|(percent, max)| Heuristic { percent, max }));
    let freshness = (
        prop::collection::vec(rule, 0..3),
        (seconds(), seconds(), seconds()),
        heuristic,
        (window(), window(), any::<bool>()),
        0..10_000u32,
    )
        .prop_map(|(statuses, (default, min, max), heuristic, (swr, sie, lenient), keep)| {
            FreshnessPolicy {
                statuses,
                default,
                min,
                max,
                heuristic,
                stale_while_revalidate: swr,
                stale_if_error: sie,
                stale_with_s_maxage: lenient,
                keep,
                ..FreshnessPolicy::default()
            }
        });
    let set_cookie = select(vec![SetCookie::Refuse, SetCookie::Remove, SetCookie::Store]);
    (freshness, set_cookie).prop_map(|(freshness, set_cookie)| Policy {
        freshness,
        storage: StoragePolicy { set_cookie, ..StoragePolicy::default() },
        ..Policy::default()
    })
}

pub fn wishes() -> impl Strategy<Value = RequestDirectives> {
    (seconds(), seconds(), seconds(), prop::bool::weighted(0.1)).prop_map(
        |(max_age, max_stale, min_fresh, no_cache)| RequestDirectives {
            max_age,
            max_stale,
            min_fresh,
            no_cache,
            ..RequestDirectives::default()
        },
    )
}
