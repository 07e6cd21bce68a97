//! From a record of ghost.json to a policy.

use super::{
    Authorization, Bypass, CachePolicy, CacheStatus, ClientCacheControl, Coding, FreshnessPolicy, HeaderTest,
    Heuristic, KeyPolicy, Languages, Mode, NamePattern, Parameters, Policy, QueryKey, SetCookie, StaleWindow,
    StatusRule, Statuses, StoragePolicy,
};
use crate::diagnostic::Findings;
use crate::field::{is_field_value, is_token};
use crate::rule::each;
use crate::{needs, wire};

/// The longest time in seconds, as long as RFC 9111 section 1.2.2 asks of a cache.
const MAX_TIME: i64 = 1 << 31;

impl CachePolicy {
    pub(crate) fn compile(wire: wire::CachePolicy, findings: &mut Findings) -> Self {
        let before = findings.count();
        if wire.id.is_empty() {
            findings.field("id", |f| f.note(inert("the policy has no ID")));
        }
        let policy = Policy {
            freshness: findings.field("freshness", |f| freshness(wire.freshness, f)),
            key: findings.field("key", |f| key(wire.key, f)),
            bypass: findings.field("bypass", |f| bypass(wire.bypass, f)),
            storage: findings.field("storage", |f| storage(wire.storage, f)),
            heed_clients: wire.client.honor_request,
            cache_status: match (wire.client.hide_status, wire.client.status_key) {
                (true, _) => CacheStatus::Hidden,
                (false, true) => CacheStatus::WithKey,
                (false, false) => CacheStatus::Shown,
            },
            client_cache_control: wire.client.cache_control.map(|wire| {
                findings.field("client", |f| f.field("cacheControl", |f| client_cache_control(wire, f)))
            }),
        };
        needs::note_unmet(&wire.needs, findings, "requests of its rules are passed");
        Self {
            id: wire.id.into(),
            policies: wire.policies.into_iter().map(Into::into).collect(),
            zone: (!wire.zone.is_empty()).then(|| wire.zone.into()),
            policy,
            is_inert: findings.count() > before,
        }
    }

    /// The object that it was made of, as diagnostics name it.
    pub(crate) fn object(&self) -> String {
        self.policies.first().map_or_else(String::new, |name| format!("VarnishCachePolicy {name}"))
    }
}

fn inert(problem: impl std::fmt::Display) -> String {
    format!("{problem}, so requests of its rules are passed")
}

fn freshness(wire: wire::CacheFreshness, findings: &mut Findings) -> FreshnessPolicy {
    let default = FreshnessPolicy::default();
    let percent = match wire.heuristic_percent {
        None => default.heuristic.map_or(0, |heuristic| heuristic.percent),
        Some(percent) => match u8::try_from(percent) {
            Ok(percent) if percent <= 100 => percent,
            _ => {
                let problem = inert(format_args!("{percent} is not within 0 and 100"));
                findings.field("heuristicPercent", |f| f.note(problem));
                0
            }
        },
    };
    let longest = optional_time(wire.heuristic_max, "heuristicMax", findings)
        .or(default.heuristic.map(|heuristic| heuristic.max));
    let targeted = names(wire.targeted_fields, "targetedFields", findings, is_lower_field);
    FreshnessPolicy {
        targeted: if targeted.is_empty() { default.targeted } else { targeted },
        statuses: each(wire.by_status, "byStatus", findings, status_rule).into_iter().flatten().collect(),
        default: optional_time(wire.default_ttl, "defaultTTL", findings),
        heuristic: (percent > 0).then(|| Heuristic { percent, max: longest.unwrap_or(0) }),
        min: optional_time(wire.min_ttl, "minTTL", findings),
        max: optional_time(wire.max_ttl, "maxTTL", findings),
        stale_while_revalidate: findings
            .field("staleWhileRevalidate", |f| window(wire.stale_while_revalidate, f)),
        stale_if_error: findings.field("staleIfError", |f| window(wire.stale_if_error, f)),
        keep: optional_time(wire.keep, "keep", findings).unwrap_or(default.keep),
        ..FreshnessPolicy::default()
    }
}

fn window(wire: wire::StaleWindow, findings: &mut Findings) -> StaleWindow {
    StaleWindow {
        default: time(wire.default, "default", findings),
        max: optional_time(wire.max, "max", findings),
        r#override: optional_time(wire.r#override, "override", findings),
    }
}

fn status_rule(wire: wire::StatusTtl, findings: &mut Findings) -> Option<StatusRule> {
    let statuses = match wire.status.as_bytes() {
        [class @ b'2'..=b'5', b'x', b'x'] => Some(Statuses::Class(class - b'0')),
        [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9'] => wire.status.parse().ok().map(Statuses::Code),
        _ => None,
    };
    if statuses.is_none() {
        let problem =
            inert(format_args!("{:?} is neither a final status code nor a class of them", wire.status));
        findings.field("status", |f| f.note(problem));
    }
    let words = [("Default", Mode::Default), ("Override", Mode::Override), ("Force", Mode::Force)];
    let mode = word(&wire.mode, "mode", &words, findings);
    let ttl = time(wire.ttl, "ttl", findings);
    Some(StatusRule { statuses: statuses?, ttl, mode: mode.unwrap_or(Mode::Default) })
}

fn key(wire: wire::CacheKey, findings: &mut Findings) -> KeyPolicy {
    let query_names = names(wire.query_names, "queryNames", findings, |name| !name.is_empty());
    let query_names = || query_names.iter().map(|name| NamePattern::new(name)).collect();
    let modes = [
        ("All", Parameters::All),
        ("Include", Parameters::Include(query_names())),
        ("Exclude", Parameters::Exclude(query_names())),
    ];
    let codings = [("br", Coding::Brotli), ("gzip", Coding::Gzip), ("zstd", Coding::Zstd)];
    let known = |name: &str| codings.iter().find(|(word, _)| *word == name).map(|(_, coding)| *coding);
    let encodings = names(wire.encodings, "encodings", findings, |name| known(name).is_some());
    let languages = names(wire.languages, "languages", findings, is_language);
    let mut languages = languages.into_iter().map(|tag| String::from_utf8_lossy(&tag).into());
    KeyPolicy {
        scheme: wire.scheme,
        query: QueryKey {
            parameters: word(&wire.query_mode, "queryMode", &modes, findings).unwrap_or_default(),
            sort: wire.sort_query,
            ..QueryKey::default()
        },
        headers: names(wire.headers, "headers", findings, is_lower_field),
        cookies: patterns(wire.cookies, findings),
        codings: encodings.iter().filter_map(|name| known(&String::from_utf8_lossy(name))).collect(),
        languages: languages.next().map(|default| Languages { default, others: languages.collect() }),
    }
}

fn bypass(wire: wire::CacheBypass, findings: &mut Findings) -> Bypass {
    let headers = each(wire.headers, "headers", findings, |header, f| {
        if !is_lower_field(&header.name) {
            let problem = inert(format_args!("{:?} is not the name of a header in lower case", header.name));
            f.field("name", |f| f.note(problem));
        }
        HeaderTest {
            name: header.name.into_bytes().into(),
            value: header.value.map(|value| value.into_bytes().into()),
        }
    });
    Bypass { cookies: patterns(wire.cookies, findings), headers, ..Bypass::default() }
}

fn patterns(wire: Vec<String>, findings: &mut Findings) -> Vec<NamePattern> {
    // An asterisk, which stands for any end of a name, is a character of tokens as well.
    names(wire, "cookies", findings, |name| is_token(name))
        .iter()
        .map(|name| NamePattern::new(name))
        .collect()
}

fn storage(wire: wire::CacheStorage, findings: &mut Findings) -> StoragePolicy {
    let default = StoragePolicy::default();
    let set_cookie =
        [("Refuse", SetCookie::Refuse), ("Remove", SetCookie::Remove), ("Store", SetCookie::Store)];
    let authorization = [
        ("RFC9111", Authorization::Rfc9111),
        ("Bypass", Authorization::Bypass),
        ("Ignore", Authorization::Ignore),
    ];
    let max_size = wire.max_size.and_then(|size| {
        let sound = u64::try_from(size).ok();
        if sound.is_none() {
            findings.field("maxSize", |f| f.note(inert(format_args!("{size} is negative"))));
        }
        sound
    });
    if !wire.tags_header.is_empty() && !is_lower_field(&wire.tags_header) {
        let problem = inert(format_args!("{:?} is not the name of a header in lower case", wire.tags_header));
        findings.field("tagsHeader", |f| f.note(problem));
    }
    StoragePolicy {
        max_size,
        set_cookie: word(&wire.set_cookie, "setCookie", &set_cookie, findings).unwrap_or_default(),
        authorization: word(&wire.authorization, "authorization", &authorization, findings)
            .unwrap_or_default(),
        compress: wire.compress,
        esi: wire.esi,
        tags_header: (!wire.tags_header.is_empty()).then(|| wire.tags_header.into_bytes().into()),
        hit_for_miss: optional_time(wire.hit_for_miss_ttl, "hitForMissTTL", findings)
            .unwrap_or(default.hit_for_miss),
    }
}

fn client_cache_control(wire: wire::ClientCacheControl, findings: &mut Findings) -> ClientCacheControl {
    if !is_field_value(&wire.directives) {
        let problem = inert(format_args!("{:?} is no header value", wire.directives));
        findings.field("directives", |f| f.note(problem));
    }
    ClientCacheControl {
        max_age: optional_time(wire.max_age, "maxAge", findings),
        directives: wire.directives.into(),
    }
}

fn time(seconds: i64, field: &str, findings: &mut Findings) -> u32 {
    if !(0..=MAX_TIME).contains(&seconds) {
        let problem = inert(format_args!("{seconds} is not within 0 and {MAX_TIME} seconds"));
        findings.field(field, |f| f.note(problem));
    }
    u32::try_from(seconds).unwrap_or(0)
}

fn optional_time(seconds: Option<i64>, field: &str, findings: &mut Findings) -> Option<u32> {
    seconds.map(|seconds| time(seconds, field, findings))
}

/// The value of a word; none for an empty one, whose value is a default, and for one that is not known.
fn word<T: Clone>(text: &str, field: &str, words: &[(&str, T)], findings: &mut Findings) -> Option<T> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| value.clone());
    if found.is_none() && !text.is_empty() {
        findings.field(field, |f| f.note(inert(format_args!("{text:?} is not known"))));
    }
    found
}

/// The names of a list, each of which must be sound and there once.
fn names(
    wire: Vec<String>,
    list: &str,
    findings: &mut Findings,
    is_sound: impl Fn(&str) -> bool,
) -> Vec<Box<[u8]>> {
    let mut names: Vec<Box<[u8]>> = Vec::with_capacity(wire.len());
    for (index, name) in wire.into_iter().enumerate() {
        let problem = match &name {
            name if !is_sound(name) => Some("cannot stand here"),
            name if names.iter().any(|known| **known == *name.as_bytes()) => Some("is named twice"),
            _ => None,
        };
        if let Some(problem) = problem {
            findings.element(list, index, |f| f.note(inert(format_args!("{name:?} {problem}"))));
        }
        names.push(name.into_bytes().into());
    }
    names
}

fn is_lower_field(name: &str) -> bool {
    is_token(name) && !name.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Whether it is a tag of letters, digits and hyphens (RFC 5646 section 2.1), by its shape alone.
fn is_language(tag: &str) -> bool {
    tag.split('-')
        .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}
