//! Whatever a client sends as Host, target and header: it is decided, its path has one form, and what is
//! made of it for a backend or a Location lets nothing slip in.

#![no_main]

use std::sync::{Arc, LazyLock};

use ghost_config::{Filters, path};
use ghost_route::{Decision, Outcome, Request, Router, Scratch, target};
use libfuzzer_sys::fuzz_target;

const CONFIG: &str = r#"{
  "version": "1.0.0",
  "listeners": [
    {"name": "any", "socket": "http-80", "port": 80, "protocol": "HTTP"},
    {"name": "a", "socket": "http-80", "port": 80, "protocol": "HTTP", "hostname": "*.a.io"}
  ],
  "routes": [{
    "namespace": "n", "name": "r", "uid": "u",
    "attachments": [{"listener": "any"}, {"listener": "a", "hostnames": ["b.a.io", "*.a.io"]}],
    "rules": [
      {"id": "1", "matches": [
        {"path": {"type": "Exact", "value": "/a/b"}, "rank": {"order": [1]}},
        {"path": {"type": "RegularExpression", "value": "/a/[^/]+/c.*"}, "rank": {"order": [3]}}
      ]},
      {"id": "2", "matches": [
        {"path": {"type": "PathPrefix", "value": "/a"}, "rank": {"order": [2]}, "queryParams": [
          {"type": "RegularExpression", "name": "q", "value": "[a-z]+"}]},
        {"path": {"type": "PathPrefix", "value": "/b/c"}, "rank": {"order": [4]}, "headers": [
          {"type": "Exact", "name": "h", "value": "1,2"}]},
        {"path": {"type": "PathPrefix", "value": "/"}, "rank": {"order": [5]}}
      ], "filters": [
        {"type": "RequestRedirect", "requestRedirect": {"statusCode": 302,
          "path": {"type": "ReplacePrefixMatch", "value": "/x"}}}
      ]}
    ]
  }]
}"#;

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    let loaded = ghost_config::load(CONFIG.as_bytes(), None).expect("the configuration is sound");
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    Router::new(Arc::new(loaded.config))
});

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let (host, target, header) = (part(), part(), part());
    one_form(target);
    let headers = [(&b"h"[..], header), (b"H", b"2")];
    let request = Request { socket: b"http-80", host, method: b"GET", target, headers: &headers[..] };
    let mut scratch = Scratch::default();
    let decision = ROUTER.decide(&request, &mut scratch);
    if decision.outcome == Outcome::Redirect {
        location(&decision, host, target, &mut scratch);
    }
});

/// A path in the form for comparison has no dot segment, and is never longer than it came.
fn one_form(target: &[u8]) {
    let mut buffer = Vec::new();
    if !target.starts_with(b"/") {
        return;
    }
    let Ok(normal) = path::normalise(target, &mut buffer) else { return };
    assert!(normal.starts_with(b"/") && normal.len() <= target.len());
    assert!(normal.split(|byte| *byte == b'/').all(|segment| segment != b"." && segment != b".."));
}

/// A Location begins with our scheme and a host of harmless bytes, and has no byte that did not come in.
fn location(decision: &Decision, host: &[u8], target: &[u8], scratch: &mut Scratch) {
    let (Some(listener), Some(chosen)) = (ROUTER.listener(decision), decision.chosen) else {
        panic!("a redirect has a listener and a rule: {decision:?}");
    };
    let filters: &Filters = &ROUTER.rule(&chosen).filters;
    let redirect = filters.redirect.as_ref().expect("a redirect is decided for a rule that has one");
    let mut out = Vec::new();
    target::location(redirect, listener, host, target, ROUTER.prefix(&chosen), scratch, &mut out);
    let rest = out.strip_prefix(b"http://").expect("the scheme is the listener's");
    let slash = rest.iter().position(|byte| *byte == b'/').expect("a path follows the host");
    let (host, path) = rest.split_at(slash);
    assert!(!host.is_empty() && host.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.[:]".contains(b)));
    assert!(path.iter().all(|b| b.is_ascii_alphanumeric() || b"-._~/x".contains(b) || target.contains(b)));
}
