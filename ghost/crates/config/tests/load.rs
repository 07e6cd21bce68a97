//! What loading promises beyond the corpus: what is kept over a reload, how problems are told, what is
//! refused and in which words.

use std::sync::Arc;

use ghost_config::{Config, Diagnostic, Hostname, Pattern, Refused, load, load_within};
use serde_json::{Value, json};

fn route(name: &str, path: &str) -> Value {
    json!({
        "namespace": "shop", "name": name, "uid": format!("uid-{name}"),
        "attachments": [{"listener": "http"}],
        "rules": [{
            "id": format!("uid-{name}/0"),
            "matches": [{"path": {"type": "RegularExpression", "value": path}, "rank": {}}],
            "backends": [{"service": "shop/web:80", "weight": 1}],
        }],
    })
}

fn service(address: &str) -> Value {
    json!({"id": "shop/web:80", "endpoints": [{"address": address, "port": 8080}]})
}

fn file(routes: Vec<Value>, services: Vec<Value>) -> Vec<u8> {
    let listeners = json!([{"name": "http", "socket": "http-80", "port": 80, "protocol": "HTTP"}]);
    let file = json!({"version": "1.0.0", "listeners": listeners, "routes": routes, "services": services});
    file.to_string().into_bytes()
}

fn taken(bytes: &[u8], previous: Option<&Config>) -> (Config, Vec<Diagnostic>) {
    let loaded = load(bytes, previous).unwrap();
    (loaded.config, loaded.diagnostics)
}

#[test]
fn records_whose_text_is_the_same_are_shared_with_the_last_configuration() {
    let services = vec![service("10.0.0.1")];
    let (first, _) = taken(&file(vec![route("a", "/a"), route("b", "/b")], services.clone()), None);
    let reordered = vec![route("new", "/n"), route("b", "/b"), route("a", "/changed")];
    let (second, _) = taken(&file(reordered, services), Some(&first));
    assert!(Arc::ptr_eq(&first.routes[1], &second.routes[1]));
    assert!(!Arc::ptr_eq(&first.routes[0], &second.routes[2]));
    assert!(Arc::ptr_eq(&first.services[0], &second.services[0]));
}

#[test]
fn an_endpoint_that_changes_leaves_every_route_as_it_was() {
    let routes = vec![route("a", "/a")];
    let (first, _) = taken(&file(routes.clone(), vec![service("10.0.0.1")]), None);
    let (second, _) = taken(&file(routes, vec![service("10.0.0.2")]), Some(&first));
    assert!(Arc::ptr_eq(&first.routes[0], &second.routes[0]));
    let service = second.service_of(&second.routes[0].rules[0].backends[0]).unwrap();
    assert_eq!(service.endpoints, ["10.0.0.2:8080".parse().unwrap()]);
}

#[test]
fn what_was_found_in_a_kept_record_is_told_again_where_it_stands_now() {
    let services = vec![service("10.0.0.1")];
    let (first, found) = taken(&file(vec![route("a", "/a"), route("b", "(")], services.clone()), None);
    assert_eq!(found[0].path, "routes[1].rules[0].matches[0].path.value");
    assert_eq!(found[0].object, "HTTPRoute shop/b");
    let (_, again) = taken(&file(vec![route("b", "(")], services), Some(&first));
    assert_eq!(again[0].path, "routes[0].rules[0].matches[0].path.value");
    assert_eq!(again[0].message, found[0].message);
}

#[test]
fn a_route_that_suffers_from_another_recovers_when_that_has_gone() {
    let mut twin = route("a", "/twin");
    twin["rules"][0]["id"] = json!("another");
    let (first, found) = taken(&file(vec![route("a", "/a"), twin.clone()], vec![service("10.0.0.1")]), None);
    assert_eq!(found.iter().map(|d| &*d.path).collect::<Vec<_>>(), ["routes[1].name"]);
    assert!(first.routes[0].rules[0].fault.is_none() && first.routes[1].rules[0].fault.is_some());
    let (second, found) = taken(&file(vec![twin], vec![service("10.0.0.1")]), Some(&first));
    assert_eq!(found, []);
    assert!(second.routes[0].rules[0].fault.is_none());
}

/// Routes of an expression each, by name, and what is told of them with this much memory.
fn bounded(routes: &[(&str, &str)], memory: usize, previous: Option<&Config>) -> (Config, Vec<String>) {
    let routes = routes.iter().map(|(name, path)| route(name, path)).collect();
    let loaded = load_within(&file(routes, vec![service("10.0.0.1")]), previous, memory).unwrap();
    (loaded.config, loaded.diagnostics.into_iter().map(|d| format!("{} {}", d.path, d.object)).collect())
}

fn has_match(config: &Config, route: usize) -> bool {
    config.routes[route].rules[0].matches[0].is_some()
}

#[test]
fn expressions_that_take_too_much_together_are_refused_from_the_largest_on() {
    let (small, large, huge) = ("/a[0-9]", "/b[0-9]{20}", "/c[0-9]{60}");
    let size = |source: &str| Pattern::new(source).unwrap().memory();
    assert!(size(small) < size(large) && size(large) < size(huge));
    let routes = [("huge", huge), ("small", small), ("large", large)];
    let all = size(small) + size(large) + size(huge);

    let (config, found) = bounded(&routes, all, None);
    assert_eq!(found, [""; 0]);
    assert!((0..3).all(|route| has_match(&config, route)));

    let (config, found) = bounded(&routes, all - 1, None);
    assert_eq!(found, ["routes[0].rules[0].matches[0] HTTPRoute shop/huge"]);
    assert_eq!([0, 1, 2].map(|route| has_match(&config, route)), [false, true, true]);

    let (again, found) = bounded(&routes, all - 1, Some(&config));
    assert_eq!(found, ["routes[0].rules[0].matches[0] HTTPRoute shop/huge"], "it is told again");
    assert!(Arc::ptr_eq(&config.routes[1], &again.routes[1]), "the others stay");

    // The same for whatever is kept: without another there is room.
    let (config, found) = bounded(&routes[..2], all - 1, Some(&again));
    assert_eq!(found, [""; 0]);
    assert!(has_match(&config, 0) && has_match(&config, 1));

    let (config, found) = bounded(&routes, size(small), Some(&config));
    assert_eq!(found.len(), 2);
    assert_eq!([0, 1, 2].map(|route| has_match(&config, route)), [false, true, false]);

    let (config, found) = bounded(&routes, size(small) - 1, None);
    assert!((0..3).all(|route| !has_match(&config, route)));
    assert!(found.iter().all(|path| path.contains("matches[0]")), "{found:?}");
}

#[test]
fn go_may_write_null_for_what_is_empty() {
    let bytes = br#"{"version": "1.0.0", "trustedHops": null, "listeners": null, "routes": [
        {"namespace": "n", "name": "r", "uid": "u", "attachments": [{"listener": "", "hostnames": null}],
         "rules": null}], "services": null}"#;
    let (config, _) = taken(bytes, None);
    assert_eq!(config.routes[0].attachments[0].hostnames, [Hostname::Any]);
}

#[test]
fn transactions_are_shown_on_request_alone() {
    let shown = |text: &str| taken(text.as_bytes(), None).0.x_varnish;
    assert!(!shown(r#"{"version": "1.0.0"}"#));
    assert!(!shown(r#"{"version": "1.0.0", "xVarnish": null}"#));
    assert!(shown(r#"{"version": "1.0.0", "xVarnish": true}"#));
}

#[test]
fn a_refusal_names_what_is_wrong() {
    let refusal = |bytes: &[u8]| load(bytes, None).unwrap_err();
    let newer = br#"{"version": "2.1.0", "routes": {"in": "another shape"}}"#;
    assert!(matches!(refusal(newer), Refused::UnknownMajor { version } if &*version == "2.1.0"));
    assert!(matches!(refusal(br#"{"version": "one"}"#), Refused::Version { version } if &*version == "one"));
    for bytes in [&b""[..], b"[]", b"{}", b"{\"version\": \"1.0.0\"", b"{\"version\": 1}", b"\xff"] {
        assert!(matches!(refusal(bytes), Refused::Unreadable(_)), "{}", bytes.escape_ascii());
    }
}

#[test]
fn diagnostics_are_written_as_the_contract_says() {
    let diagnostic =
        Diagnostic { path: "listeners[0].port".into(), object: String::new(), message: "m".into() };
    let text = serde_json::to_string(&diagnostic).unwrap();
    assert_eq!(text, r#"{"path":"listeners[0].port","message":"m"}"#);
}
