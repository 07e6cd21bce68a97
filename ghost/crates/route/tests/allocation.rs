//! A lookup allocates nothing once its scratch is warm, and the caches of expressions that are too large for
//! a table.

use std::sync::Arc;

use allocation_counter::measure;
use ghost_config::{Pattern, load};
use ghost_route::{Outcome, Request, Router, Scratch};
use serde_json::json;

/// Routes that make use of everything that a match can ask for.
fn router() -> Router {
    let value = |kind: &str, name: &str, value: &str| json!({"type": kind, "name": name, "value": value});
    let rule = |index: usize, kind: &str, path: String| {
        json!({"id": format!("{kind}{index}"), "matches": [{
            "path": {"type": kind, "value": path},
            "method": "GET",
            "headers": [value("Exact", "x-a", "1,2"), value("RegularExpression", "x-b", "[a-z]+")],
            "queryParams": [value("Exact", "q", "a b"), value("RegularExpression", "r", "\\d+")],
            "rank": {"order": [index], "name": "", "position": []},
        }], "backends": [{"invalid": "None", "weight": 1}]})
    };
    // The same path for all.
    let told_apart = |index: usize| {
        let found = |order: usize, list: &str, name: &str| {
            json!({
                "path": {"type": "PathPrefix", "value": "/same"},
                list: [value("Exact", name, &index.to_string())],
                "rank": {"order": [order, index], "name": "", "position": []},
            })
        };
        json!({"id": format!("same{index}"), "matches": [found(1000, "headers", "x-n"), found(2000, "queryParams", "n")],
               "backends": [{"invalid": "None", "weight": 1}]})
    };
    let routes: Vec<_> = (0..100)
        .map(|index| {
            json!({
                "namespace": "n", "name": index.to_string(), "uid": index.to_string(),
                "attachments": [{"listener": "http", "hostnames": ["*.a.io"]}],
                "rules": [
                    rule(index, "Exact", format!("/e/{index}")),
                    rule(index, "PathPrefix", format!("/p/{index}")),
                    rule(index, "RegularExpression", format!("/r/{index}/[a-z]+")),
                    told_apart(index),
                ],
            })
        })
        .collect();
    let listeners = json!([{"name": "http", "socket": "http-80", "port": 80, "protocol": "HTTP"}]);
    let file = json!({"version": "1.0.0", "listeners": listeners, "routes": routes});
    let loaded = load(file.to_string().as_bytes(), None).unwrap();
    assert_eq!(loaded.diagnostics, []);
    Router::new(Arc::new(loaded.config))
}

#[test]
fn a_lookup_allocates_nothing() {
    let router = router();
    let headers = [("X-A", "1"), ("x-a", "2"), ("x-b", "abc"), ("accept", "*/*"), ("x-n", "none")];
    let request = |target: &'static str| Request {
        socket: b"http-80",
        host: b"B.C.A.io:8080",
        method: b"GET",
        target: target.as_bytes(),
        headers: &headers[..],
    };
    let mut scratch = Scratch::default();
    let warm = router.decide(&request("/p/%37/longer/than/any/other/./path?q=a%20b&r=1"), &mut scratch);
    assert_eq!(warm.outcome, Outcome::Forward);
    let targets = [
        "/e/99?q=a%20b&r=1",
        "/p/42/x/../y?r=7&q=a%20b",
        "/r/3/abc?q=a%20b&r=1",
        "/%70/1?q=%61%20b&r=12",
        "/same/x?n=%37",
    ];
    for target in targets {
        let mut decision = None;
        let asked = measure(|| decision = Some(router.decide(&request(target), &mut scratch)));
        assert_eq!(asked.count_total, 0, "{target}");
        assert_eq!(decision.map(|d| d.outcome), Some(Outcome::Forward), "{target}");
    }
    let asked = measure(|| assert!(router.decide(&request("/nowhere"), &mut scratch).chosen.is_none()));
    assert_eq!(asked.count_total, 0, "a request that nothing fits");
}

#[test]
fn an_expression_too_large_for_a_table_allocates_while_it_sees_texts_of_a_new_kind() {
    let pattern = Pattern::new(r"(?:.*[ab].{20}c)|x").unwrap();
    let text = b"zza01234567890123456789c";
    let first = measure(|| assert!(pattern.is_match(text)));
    let again = measure(|| assert!(pattern.is_match(text)));
    assert!(first.count_total > 0, "it has a table, so that this tests nothing");
    assert_eq!(again.count_total, 0);
}

#[test]
fn the_counter_counts() {
    assert!(measure(|| drop(Vec::<u8>::with_capacity(1))).count_total > 0);
}
