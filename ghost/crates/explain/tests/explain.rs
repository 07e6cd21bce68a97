//! What is said of requests and responses: sentences.

use ghost_explain::{Question, explain};
use serde_json::{Value, json};

/// Sun, 06 Nov 1994 08:49:37 GMT
const NOW: i64 = 784_111_777;

/// A configuration with a rule that rewrites, and a policy that holds for it; at the listener "other"
/// there is none.
fn config(policy: &Value) -> Value {
    let mut policy = policy.clone();
    policy["id"] = json!("p");
    json!({
        "version": "1.1.0",
        "listeners": [],
        "routes": [{
            "namespace": "shop", "name": "all", "uid": "1",
            "attachments": [
                {"listener": "http"},
                {"listener": "own", "cachePolicies": ["p"]},
                {"listener": "other", "cachePolicies": [""]}
            ],
            "rules": [{
                "id": "1/0",
                "matches": [{
                    "path": {"type": "PathPrefix", "value": "/old"},
                    "rank": {"order": [0], "name": "shop/all", "position": [0, 0]}
                }],
                "filters": [{
                    "type": "URLRewrite",
                    "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "value": "/new"}}
                }],
                "backends": [{"service": "s", "weight": 1}],
                "cachePolicy": "p"
            }]
        }],
        "services": [{"id": "s", "endpoints": []}],
        "cachePolicies": [policy]
    })
}

fn fields(lines: &[&str]) -> Value {
    let field = |line: &&str| {
        let (name, value) = line.split_once(": ").expect("a line");
        json!({"name": name, "value": value})
    };
    lines.iter().map(field).collect()
}

fn ask(
    policy: &Value,
    listener: &str,
    request: Asked<'_>,
    response: Option<(u16, &[&str])>,
) -> Result<Value, String> {
    let (method, target, headers) = request;
    let mut question = json!({
        "config": config(policy), "listener": listener, "rule": "1/0", "match": 0, "now": NOW,
        "request": {"https": false, "host": "a.io:8080", "method": method, "target": target, "headers": fields(headers)},
    });
    if let Some((status, headers)) = response {
        question["response"] = json!({"status": status, "headers": fields(headers)});
    }
    let question: Question = serde_json::from_str(&question.to_string()).map_err(|e| e.to_string())?;
    let answer = explain(&question).map_err(|e| e.to_string())?;
    Ok(serde_json::to_value(answer).expect("JSON"))
}

/// Method, target and header lines.
type Asked<'a> = (&'a str, &'a str, &'a [&'a str]);

const GET: Asked<'_> = ("GET", "/old/x?a=1", &[]);

#[test]
fn a_request_is_looked_up_or_not() {
    let key = "rule=1/0 host=a.io path=/old/x query=a=1";
    let bypass = json!({"bypass": {"cookies": ["session", "wp_*"], "headers": [{"name": "x-live"}]}});
    let none = json!({});
    let body = "it has a body, which the key does not tell (RFC 9110 section 9.3.1)";
    let table = [
        ("a GET", &none, "http", GET, json!({"lookup": {"looks": true}, "key": key})),
        (
            "of one listener",
            &none,
            "own",
            GET,
            json!({"lookup": {"looks": true}, "key": "rule=1/0 at own host=a.io path=/old/x query=a=1"}),
        ),
        (
            "a POST",
            &none,
            "http",
            ("POST", "/old/x", &[]),
            json!({"lookup": {"looks": false, "why": "no cache answers its method (RFC 9111 section 4)"}}),
        ),
        (
            "a GET with a body",
            &none,
            "http",
            ("GET", "/old/x", &["Content-Length: 10"]),
            json!({"lookup": {"looks": false, "why": body}}),
        ),
        (
            "a body in chunks",
            &none,
            "http",
            ("GET", "/old/x", &["Transfer-Encoding: chunked"]),
            json!({"lookup": {"looks": false, "why": body}}),
        ),
        (
            "a body of no length is none",
            &none,
            "http",
            ("GET", "/old/x?a=1", &["Content-Length: 0"]),
            json!({"lookup": {"looks": true}, "key": key}),
        ),
        (
            "a cookie",
            &bypass,
            "http",
            ("GET", "/old/x", &["Cookie: a=1; wp_user=2"]),
            json!({"lookup": {"looks": false, "why": "it has the policy's bypass cookie 1: wp_*"}}),
        ),
        (
            "a header",
            &bypass,
            "http",
            ("GET", "/old/x", &["X-Live: yes"]),
            json!({"lookup": {"looks": false, "why": "it has the policy's bypass header 0: x-live"}}),
        ),
        (
            "a client that is heeded",
            &json!({"client": {"honorRequest": true}}),
            "http",
            ("GET", "/old/x?a=1", &["Cache-Control: no-cache, max-age=10"]),
            json!({"lookup": {"looks": true, "wishes": ["no-cache", "max-age=10"]}, "key": key}),
        ),
        (
            "parameters, a header and a language of the key",
            &json!({"key": {"queryMode": "Exclude", "queryNames": ["utm_*"], "headers": ["x-a"], "languages": ["en", "de"]}}),
            "http",
            ("GET", "/old/x?utm_id=1&a=1", &["X-A: 1", "Accept-Language: de-AT"]),
            json!({"lookup": {"looks": true}, "key": "rule=1/0 host=a.io path=/old/x parameter=a=1 language=de header x-a=1"}),
        ),
        (
            "a zone has what backends are asked for",
            &json!({"zone": "shop/all"}),
            "http",
            GET,
            json!({"lookup": {"looks": true}, "key": "zone=shop/all host=a.io path=/new/x query=a=1"}),
        ),
    ];
    for (sentence, policy, listener, request, want) in table {
        assert_eq!(ask(policy, listener, request, None), Ok(want), "{sentence}");
    }
}

/// A sentence, a policy, a request, a status, header lines, and what is said of the response.
type Row<'a> = (&'a str, Value, Asked<'a>, u16, &'a [&'a str], Value);

#[test]
fn a_response_is_stored_or_not() {
    let none = json!({});
    let heuristic = "Sun, 06 Nov 1994 08:32:57 GMT";
    let table: [Row<'_>; 9] = [
        (
            "what the origin says",
            json!({"freshness": {"staleIfError": {"default": 60}}}),
            GET,
            200,
            &["Cache-Control: max-age=600", "ETag: \"1\"", "Age: 100", "Vary: X-A, X-B"],
            json!({
                "stored": true, "age": 100,
                "ttl": {"seconds": 600, "why": "600 s: max-age of Cache-Control (RFC 9111 section 5.2.2.1)"},
                "staleWhileRevalidate": {"seconds": 0, "why": "0 s: the policy's default"},
                "staleIfError": {"seconds": 60, "why": "60 s: the policy's default"},
                "keep": {"seconds": 3600, "why": "3600 s: the policy"},
                "variesBy": ["X-A", "X-B"],
            }),
        ),
        (
            "a targeted field, and what the policy adds",
            json!({"storage": {"tagsHeader": "surrogate-key", "setCookie": "Remove"}, "client": {"cacheControl": {"maxAge": 5}}}),
            GET,
            200,
            &[
                "CDN-Cache-Control: max-age=60",
                "Cache-Control: no-store",
                "Set-Cookie: a=1",
                "Proxy-Authentication-Info: a",
                "Surrogate-Key: a b",
            ],
            json!({
                "stored": true,
                "ttl": {"seconds": 60, "why": "60 s: max-age of targeted field 1 (RFC 9111 section 5.2.2.1): cdn-cache-control"},
                "staleWhileRevalidate": {"seconds": 0, "why": "0 s: the policy's default"},
                "staleIfError": {"seconds": 0, "why": "0 s: the policy's default"},
                "keep": {"seconds": 0, "why": "0 s: there is no validator (RFC 9111 section 4.3.1)"},
                "removed": ["proxy-authentication-info", "set-cookie"], "tags": ["a", "b"], "clientCacheControl": "max-age=5",
            }),
        ),
        (
            "the heuristic counts from Date",
            none.clone(),
            GET,
            200,
            &["Date: Sun, 06 Nov 1994 08:49:37 GMT", &format!("Last-Modified: {heuristic}")],
            json!({
                "stored": true,
                "ttl": {"seconds": 100, "why": "100 s: guessed from Last-Modified (RFC 9111 section 4.2.2)"},
                "staleWhileRevalidate": {"seconds": 0, "why": "0 s: the policy's default"},
                "staleIfError": {"seconds": 0, "why": "0 s: the policy's default"},
                "keep": {"seconds": 3600, "why": "3600 s: the policy"},
            }),
        ),
        (
            "a response of long ago came when it says",
            none.clone(),
            GET,
            200,
            &["Date: Sun, 06 Nov 1984 08:49:37 GMT", "Expires: Sun, 06 Nov 1984 08:50:37 GMT"],
            json!({
                "stored": true,
                "ttl": {"seconds": 60, "why": "60 s: Expires (RFC 9111 section 5.3)"},
                "staleWhileRevalidate": {"seconds": 0, "why": "0 s: the policy's default"},
                "staleIfError": {"seconds": 0, "why": "0 s: the policy's default"},
                "keep": {"seconds": 0, "why": "0 s: there is no validator (RFC 9111 section 4.3.1)"},
            }),
        ),
        (
            "a time of the policy for a status",
            json!({"freshness": {"byStatus": [{"status": "5xx", "ttl": 0}, {"status": "404", "ttl": 30}]}}),
            GET,
            404,
            &[],
            json!({
                "stored": true,
                "ttl": {"seconds": 30, "why": "30 s: the policy's byStatus, Default: 404"},
                "staleWhileRevalidate": {"seconds": 0, "why": "0 s: the policy's default"},
                "staleIfError": {"seconds": 0, "why": "0 s: the policy's default"},
                "keep": {"seconds": 0, "why": "0 s: there is no validator (RFC 9111 section 4.3.1)"},
            }),
        ),
        (
            "silence",
            none.clone(),
            GET,
            200,
            &[],
            json!({"stored": false, "why": "nothing says how long it is fresh (RFC 9111 section 3)", "hitForMiss": 120}),
        ),
        (
            "no-store of a targeted field",
            none.clone(),
            GET,
            200,
            &["Cache-Control: max-age=600", "CDN-Cache-Control: no-store"],
            json!({
                "stored": false, "hitForMiss": 120,
                "why": "no-store of targeted field 1 (RFC 9111 section 5.2.2.5): cdn-cache-control",
            }),
        ),
        (
            "Authorization of the request",
            none.clone(),
            ("GET", "/old/x?a=1", &["authorization: x"]),
            200,
            &["Cache-Control: max-age=600"],
            json!({"stored": false, "why": "the request has Authorization (RFC 9111 section 3.5)", "hitForMiss": 120}),
        ),
        (
            "a pass",
            none.clone(),
            ("POST", "/old/x?a=1", &[]),
            200,
            &["Cache-Control: max-age=600"],
            json!({"stored": false, "why": "the request goes past the cache"}),
        ),
    ];
    for (sentence, policy, request, status, headers, want) in table {
        let answer = ask(&policy, "http", request, Some((status, headers))).expect("an answer");
        assert_eq!(answer["response"], want, "{sentence}");
    }
}

#[test]
fn what_cannot_be_answered_is_said() {
    let no_policy = r#"no cache policy holds for rule "1/0" at listener "other""#;
    assert_eq!(ask(&json!({}), "other", GET, None), Err(no_policy.to_owned()));
    let text = |config: &str, rule: &str| {
        format!(
            r#"{{"config": {config}, "listener": "http", "rule": "{rule}", "match": 0, "now": 0,
                "request": {{"https": false, "host": "a", "method": "GET", "target": "/"}}}}"#
        )
    };
    let error = |text: String| {
        let question: Question = serde_json::from_str(&text).expect("a question");
        explain(&question).expect_err("no answer").to_string()
    };
    let sound = config(&json!({})).to_string();
    assert_eq!(error(text(&sound, "2/0")), r#"the configuration has no rule "2/0""#);
    let refused = error(text(r#"{"version": "9.0.0"}"#, "1/0"));
    assert!(refused.starts_with("the configuration cannot be used: "), "{refused}");
    let unknown = serde_json::from_str::<Question>(r#"{"unknown": 1}"#).expect_err("it is not known");
    assert!(unknown.to_string().contains("unknown field"), "{unknown}");
}

/// What gatewayctl asks, which a test of gatewayctl holds it to.
#[test]
fn the_question_of_gatewayctl_is_answered() {
    let question = include_str!("../../../../shared/corpus/explain/question.json");
    let answer = include_str!("../../../../shared/corpus/explain/answer.json");
    let question: Question = serde_json::from_str(question).expect("a question");
    let found = serde_json::to_value(explain(&question).expect("an answer")).expect("JSON");
    assert_eq!(found, serde_json::from_str::<Value>(answer).expect("JSON"));
}
