//! What the cache makes of a response.

use ghost_cache::client_cache_control;
use ghost_cache::date;
use ghost_cache::freshness::Timing;
use ghost_cache::policy::Policy;
use ghost_cache::response::ResponseFields;
use ghost_cache::storability::{self, Asked, Decision};
use ghost_cache::vary;
use ghost_route::Headers;
use serde::Serialize;

use crate::names;
use crate::question::{Lines, Request, Response};

/// What becomes of a response.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Storage {
    /// Whether it is stored.
    pub stored: bool,
    /// Why it is not; empty where it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Where it is not: for how many seconds requests do not wait for each other.
    #[serde(skip_serializing_if = "is_zero")]
    pub hit_for_miss: u32,
    /// How old it is when it comes, in seconds.
    #[serde(skip_serializing_if = "is_zero")]
    pub age: u32,
    /// How long it is fresh, from when its age was 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Time>,
    /// How long it is served stale after that, while a new one is fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_while_revalidate: Option<Time>,
    /// How long it is served after that where the backend fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_if_error: Option<Time>,
    /// How long it is kept beyond that for conditional requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<Time>,
    /// Fields that are not stored with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// Fields of requests that tell variants of it apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub varies_by: Vec<String>,
    /// Its tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The Cache-Control that clients get in the place of the backend's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_cache_control: String,
}

/// A time, and where it comes from.
#[derive(Debug, Serialize)]
pub struct Time {
    /// How long.
    pub seconds: u32,
    /// A sentence that begins with it.
    pub why: String,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Storage {
    /// That of a request that goes past the cache.
    pub(crate) fn passed() -> Self {
        Self { why: "the request goes past the cache".into(), ..Self::default() }
    }

    /// What becomes of a response that comes when its Date says so, else now.
    pub(crate) fn of(policy: &Policy, request: &Request, response: &Response, now: i64) -> Self {
        let headers = Lines(&response.headers);
        let date = values(&headers, b"date").next().and_then(|value| date::parse(value, now));
        let timing = Timing::at(date.unwrap_or(now));
        let fields = ResponseFields::read(&policy.freshness, response.status, &headers, timing.received);
        let asked = Asked::read(request.method.as_bytes(), &Lines(&request.headers));
        let store = match storability::decide(policy, asked, &fields, timing) {
            Decision::Pass(pass) => {
                return Self {
                    why: names::of_reason(policy, pass.reason),
                    hit_for_miss: pass.hit_for_miss,
                    ..Self::default()
                };
            }
            Decision::Store(store) => store,
        };
        let freshness = &store.freshness;
        let mut removed: Vec<String> =
            fields.directives.withheld.iter().map(|name| names::text(name)).collect();
        let is_there = |name: &&&str| values(&headers, name.as_bytes()).next().is_some();
        removed.extend(storability::NOT_STORED.iter().filter(is_there).map(|name| (*name).to_owned()));
        if store.removes_set_cookie {
            removed.push("set-cookie".into());
        }
        let mut client = String::new();
        if let Some(control) = client_cache_control::of(policy, response.status, true) {
            // Writing to a String cannot fail.
            let _ = client_cache_control::write(control, freshness.age, &mut client);
        }
        let tags = policy.storage.tags_header.as_deref().into_iter();
        let tags = tags.flat_map(|name| values(&headers, name)).flat_map(ghost_cache::tags::words);
        let time = |seconds, why| Some(Time { seconds, why });
        Self {
            stored: true,
            age: freshness.age,
            ttl: time(freshness.lifetime.seconds, names::of_lifetime(policy, freshness.lifetime)),
            stale_while_revalidate: time(
                freshness.stale_while_revalidate.seconds,
                freshness.stale_while_revalidate.to_string(),
            ),
            stale_if_error: time(freshness.stale_if_error.seconds, freshness.stale_if_error.to_string()),
            keep: time(freshness.keep.seconds, freshness.keep.to_string()),
            removed,
            varies_by: vary::names(values(&headers, b"vary")).map(names::text).collect(),
            tags: tags.map(names::text).collect(),
            client_cache_control: client,
            ..Self::default()
        }
    }
}

/// The values of the lines of this name.
fn values<'a>(headers: &'a Lines<'_>, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let is_it = move |(other, _): &(&[u8], &[u8])| other.eq_ignore_ascii_case(name);
    headers.lines().filter(is_it).map(|(_, value)| value.trim_ascii())
}
