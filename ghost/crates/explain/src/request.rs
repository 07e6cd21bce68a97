//! What the cache makes of a request.

use ghost_cache::cache_control::RequestDirectives;
use ghost_cache::key::{self, Identity, Text};
use ghost_cache::lookup::{self, Lookup as Decided};
use ghost_cache::policy::Policy;
use ghost_cache::zone;
use ghost_route::{Headers, Scratch};
use serde::Serialize;

use crate::names;
use crate::question::{Found, Lines, Request};

/// Whether a request looks into the cache.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lookup {
    /// Whether it does.
    pub looks: bool,
    /// Why it does not; empty where it does.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// What its Cache-Control asks of a stored response, where the policy heeds clients.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wishes: Vec<String>,
}

impl Lookup {
    pub(crate) fn of(policy: &Policy, request: &Request) -> Self {
        let headers = Lines(&request.headers);
        match lookup::decide(policy, request.method.as_bytes(), has_body(&headers), &headers) {
            Decided::Cache(wishes) => Self { looks: true, why: String::new(), wishes: words(&wishes) },
            Decided::Pass(why) => {
                Self { looks: false, why: names::of_bypass(policy, why), wishes: Vec::new() }
            }
        }
    }
}

/// Whether the fields of a request say that it has a body (RFC 9112 section 6).
fn has_body(headers: &impl Headers) -> bool {
    headers.lines().any(|(name, value)| {
        name.eq_ignore_ascii_case(b"transfer-encoding")
            || name.eq_ignore_ascii_case(b"content-length") && value.iter().any(|byte| *byte != b'0')
    })
}

fn words(wishes: &RequestDirectives) -> Vec<String> {
    let time = |name: &str, seconds: Option<u32>| seconds.map(|seconds| format!("{name}={seconds}"));
    let word = |name: &str, is_there: bool| is_there.then(|| name.to_owned());
    let found = [
        word("no-cache", wishes.no_cache),
        word("only-if-cached", wishes.only_if_cached),
        time("max-age", wishes.max_age),
        time("max-stale", wishes.max_stale),
        time("min-fresh", wishes.min_fresh),
    ];
    found.into_iter().flatten().collect()
}

/// The key of a request.
pub(crate) fn key(found: &Found, request: &Request) -> String {
    let namespace = found.route.split_once('/').map_or("", |(namespace, _)| namespace);
    let zone = found.policy.zone.as_deref().and_then(|zone| zone::identity(zone, namespace, &found.rule));
    let rule = key::rule_identity(&found.rule.id, found.listener.as_deref());
    let (mut scratch, mut out, target) = (Scratch::default(), Vec::new(), request.target.as_bytes());
    let (identity, target) = match &zone {
        Some(zone) => {
            let prefix = found.rule.prefix(found.r#match);
            let target = zone::target(&found.rule, prefix, target, &mut scratch, &mut out);
            (Identity::Zone(zone.as_bytes()), target)
        }
        None => (Identity::Rule(rule.as_bytes()), target),
    };
    let headers = Lines(&request.headers);
    let request =
        key::Request { is_https: request.https, host: request.host.as_bytes(), target, headers: &headers };
    let mut text = Vec::new();
    let policy = &found.policy.policy.key;
    key::write(policy, identity, &request, &mut key::Scratch::default(), &mut Text(&mut text));
    String::from_utf8_lossy(&text).into_owned()
}
