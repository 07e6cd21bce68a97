//! What rules of a zone share, and which orders reach it: sentences.

use std::sync::Arc;

use ghost_cache::url::Url;
use ghost_cache::zone::{identity, subjects, target, url};
use ghost_config::{Rule, load};
use ghost_invalidation::Subject;
use ghost_route::Scratch;

/// A rule with these matches, filters and backends, as JSON.
fn rule_of(matches: &str, filters: &str, backends: &str) -> Arc<Rule> {
    let json = format!(
        r#"{{"version": "1.1.0", "listeners": [], "services": [{{"id": "s", "endpoints": []}}],
            "routes": [{{"namespace": "shop", "name": "r", "uid": "1", "attachments": [],
                "rules": [{{"id": "1/0", "matches": [{matches}], "filters": [{filters}],
                    "backends": [{backends}]}}]}}]}}"#
    );
    let loaded = load(json.as_bytes(), None).expect("JSON");
    Arc::clone(&loaded.config.routes[0].rules[0])
}

const BACKEND: &str = r#"{"service": "s", "weight": 1}"#;

/// A rule that takes what is below a path, and rewrites.
fn rule(path: &str, rewrite: &str) -> Arc<Rule> {
    rule_of(&by("PathPrefix", path), &filter(rewrite), BACKEND)
}

fn by(kind: &str, value: &str) -> String {
    format!(
        r#"{{"path": {{"type": "{kind}", "value": "{value}"}},
            "rank": {{"order": [0], "name": "shop/r", "position": [0, 0]}}}}"#
    )
}

fn filter(rewrite: &str) -> String {
    match rewrite {
        "" => String::new(),
        rewrite => format!(r#"{{"type": "URLRewrite", "urlRewrite": {{{rewrite}}}}}"#),
    }
}

const TO_NEW: &str = r#""path": {"type": "ReplacePrefixMatch", "value": "/new"}"#;
const TO_ROOT: &str = r#""path": {"type": "ReplacePrefixMatch", "value": "/"}"#;
const TO_ONE: &str = r#""path": {"type": "ReplaceFullPath", "value": "/one"}"#;
const ELSEWHERE: &str = r#""hostname": "origin.example""#;

#[test]
fn a_zone_is_one_of_rules_that_ask_one_host_in_one_namespace() {
    let plain = rule("/", "");
    let in_backend = format!(r#"{{"service": "s", "weight": 1, "filters": [{}]}}"#, filter(TO_NEW));
    let table = [
        ("its own namespace", identity("shop/all", "shop", &plain), Some("shop/all")),
        ("another one", identity("infra/all", "shop", &plain), Some("infra/all of shop")),
        ("a rewritten path", identity("shop/all", "shop", &rule("/a", TO_NEW)), Some("shop/all")),
        (
            "a rewritten host",
            identity("shop/all", "shop", &rule("/a", ELSEWHERE)),
            Some("shop/all from origin.example"),
        ),
        (
            "a backend that rewrites",
            identity("shop/all", "shop", &rule_of(&by("PathPrefix", "/"), "", &in_backend)),
            None,
        ),
    ];
    for (sentence, found, want) in table {
        assert_eq!(found.as_deref(), want, "{sentence}");
    }
}

#[test]
fn rules_share_by_what_backends_are_asked_for() {
    let found = |rule: &Rule, asked: &str| {
        let (mut scratch, mut out) = (Scratch::default(), Vec::new());
        let found = target(rule, rule.prefix(0), asked.as_bytes(), &mut scratch, &mut out);
        String::from_utf8(found.to_vec()).unwrap()
    };
    assert_eq!(found(&rule("/old", TO_NEW), "/old/a?b"), "/new/a?b");
    assert_eq!(found(&rule("/new", ""), "/new/a?b"), "/new/a?b");
    assert_eq!(found(&rule("/old", TO_ONE), "/old/a?b"), "/one?b");
}

/// Whether an order for a URL, or for a prefix where it ends in `*`, that a rule of the zone carries out reaches an
/// object that `other` shares.
fn reaches(order: &str, carried_out_by: &Rule, other: &Rule, asked: &str) -> bool {
    let subject = match order.strip_suffix('*') {
        Some(prefix) => {
            Subject::Prefix { host: b"a.example".as_slice().into(), prefix: prefix.as_bytes().into() }
        }
        None => Url::new(b"a.example", order.as_bytes()).into(),
    };
    let identity = identity("shop/all", "shop", other).expect("it shares");
    let own = ghost_cache::zone::identity("shop/all", "shop", carried_out_by).expect("it shares");
    let known = url(&identity, other, other.prefix(0), b"a.example", asked.as_bytes());
    subjects(&own, carried_out_by, &subject).iter().any(|subject| match subject {
        Subject::Url { host, path, query } => {
            **host == *known.host && **path == *known.path && query.as_deref() == known.query.as_deref()
        }
        Subject::Prefix { host, prefix } => **host == *known.host && known.path.starts_with(prefix),
        _ => panic!("{subject:?}"),
    })
}

#[test]
fn an_order_reaches_what_is_shared_by_another_url() {
    let (old, new, one, root) =
        (rule("/old", TO_NEW), rule("/new", ""), rule("/old", TO_ONE), rule("/old", TO_ROOT));
    let (plain, elsewhere) = (rule("/", ""), rule("/old", ELSEWHERE));
    let exact = rule_of(&by("Exact", "/old"), &filter(TO_ONE), BACKEND);
    let expression = rule_of(&by("RegularExpression", "/old/[0-9]+"), &filter(TO_ONE), BACKEND);
    let table = [
        // a URL
        ("/old/a", &old, &new, "/new/a", true),
        ("/old/a?b", &old, &new, "/new/a?b", true),
        ("/old/a?b", &old, &new, "/new/a", false),
        ("/old/a", &old, &new, "/new/a/b", false),
        ("/old/a", &old, &old, "/old/a", true),
        ("/new/a", &new, &old, "/old/a", true),
        ("/older", &old, &new, "/new", false),
        ("/old", &old, &new, "/new", true),
        ("/old/%61", &old, &new, "/new/a", true),
        ("/old/a", &one, &plain, "/one", true),
        ("/old/a", &exact, &plain, "/one", false),
        ("/old", &exact, &plain, "/one", true),
        ("/old/1", &expression, &plain, "/one", true),
        ("/old/x", &expression, &plain, "/one", false),
        ("/old/a", &root, &plain, "/a", true),
        ("/old", &root, &plain, "/", true),
        ("/old/a", &elsewhere, &plain, "/old/a", false),
        ("/old/a", &elsewhere, &elsewhere, "/old/a", true),
        // a prefix
        ("/old/*", &old, &new, "/new/a", true),
        ("/old/*", &old, &new, "/newer", false),
        ("/old/a*", &old, &new, "/new/abc?x", true),
        ("/old/a*", &old, &new, "/new/b", false),
        ("/*", &old, &new, "/new/b", true),
        ("/ol*", &old, &new, "/new", true),
        ("/ol*", &old, &new, "/newer", false),
        ("/x*", &old, &new, "/new", false),
        ("/old*", &one, &plain, "/one?x", true),
        ("/old*", &one, &plain, "/one/more", false),
        ("/old*", &one, &plain, "/ones", false),
        ("/o*", &exact, &plain, "/one", true),
        ("/old/*", &exact, &plain, "/one", false),
        ("/old/1*", &expression, &plain, "/one", true),
        ("/new*", &expression, &plain, "/one", false),
        ("/old*", &root, &plain, "/a", true),
        ("/old/a*", &root, &plain, "/a", true),
        ("/old/a*", &root, &plain, "/b", false),
        ("/a*", &plain, &old, "/old/a", false),
        ("/new/a*", &plain, &old, "/old/a", true),
    ];
    for (order, by, other, asked, want) in table {
        assert_eq!(reaches(order, by, other, asked), want, "{order}, {asked}");
    }
}
