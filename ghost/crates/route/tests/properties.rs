//! The indexed router says what trying everything in order says, for whatever tables and requests.

mod naive;

use std::sync::Arc;

use ghost_config::{Config, load, path};
use ghost_route::{Decision, Outcome, Request, Router, Scratch};
use naive::Found;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Few words, so that records and requests meet.
fn hostname() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a.io", "b.a.io", "c.b.a.io", "*.a.io", "*.b.a.io", "*.io", "x.y"])
}

fn literal_path() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "b", "ab", "", ".", "..", "%61", "a.b"]);
    prop::collection::vec(segment, 0..4).prop_map(|segments| format!("/{}", segments.join("/")))
}

fn path_match() -> impl Strategy<Value = Value> {
    let regex = prop::sample::select(vec![
        "/a/.*",
        "/a",
        "/(a|b)/[ab]+",
        ".*",
        "/a/b.*",
        "/ab?",
        "x",
        "(",
        "/a|/a/b",
    ]);
    prop_oneof![
        literal_path().prop_map(|value| json!({"type": "Exact", "value": value})),
        literal_path().prop_map(|value| {
            let trimmed = value.trim_end_matches('/');
            json!({"type": "PathPrefix", "value": if trimmed.is_empty() { "/" } else { trimmed }})
        }),
        regex.prop_map(|value| json!({"type": "RegularExpression", "value": value})),
    ]
}

fn conditions(name: &'static str) -> impl Strategy<Value = Value> {
    let exact = |value: &str| json!({"type": "Exact", "name": name, "value": value});
    let regex = json!([{"type": "RegularExpression", "name": name, "value": "[12](,2)?"}]);
    let other = json!({"type": "Exact", "name": "g", "value": "1"});
    prop_oneof![
        8 => Just(json!([])),
        1 => Just(json!([exact("1")])),
        1 => Just(json!([exact("2")])),
        1 => Just(json!([exact("1,2"), other])),
        1 => Just(json!([other, exact("2")])),
        2 => Just(regex),
    ]
}

fn a_match() -> impl Strategy<Value = Value> {
    let method = prop::sample::select(vec!["", "", "GET", "POST"]);
    let rank = (prop::collection::vec(-2..3i64, 0..3), "[ab]?", prop::collection::vec(0..2i64, 0..2))
        .prop_map(|(order, name, position)| json!({"order": order, "name": name, "position": position}));
    (path_match(), method, conditions("h"), conditions("q"), rank).prop_map(|(path, method, headers, query, rank)| {
        json!({"path": path, "method": method, "headers": headers, "queryParams": query, "rank": rank})
    })
}

fn route() -> impl Strategy<Value = Value> {
    let hostnames = prop::collection::vec(hostname(), 0..3);
    let attachment = (0..4usize, hostnames).prop_map(
        |(listener, hostnames)| json!({"listener": format!("l{listener}"), "hostnames": hostnames}),
    );
    let rules = prop::collection::vec(prop::collection::vec(a_match(), 1..4), 1..3);
    (prop::collection::vec(attachment, 1..3), rules).prop_map(|(attachments, rules)| {
        let rules: Vec<_> = rules.into_iter().map(|matches| json!({"matches": matches})).collect();
        json!({"namespace": "n", "uid": "u", "attachments": attachments, "rules": rules})
    })
}

fn config() -> impl Strategy<Value = Arc<Config>> {
    file().prop_map(|file| Arc::new(loaded(&file, None)))
}

fn loaded(file: &Value, previous: Option<&Config>) -> Config {
    load(file.to_string().as_bytes(), previous).unwrap().config
}

/// A ghost.json of four listeners on two sockets.
fn file() -> impl Strategy<Value = Value> {
    let hostname = prop_oneof![2 => Just(""), 3 => hostname()];
    let listeners = prop::collection::vec(hostname, 4);
    (listeners, prop::collection::vec(route(), 1..8)).prop_map(|(hostnames, mut routes)| {
        let listeners: Vec<_> = hostnames
            .iter()
            .enumerate()
            .map(|(index, hostname)| {
                json!({
                    "name": format!("l{index}"), "socket": format!("http-{}", index % 2), "port": 80,
                    "protocol": "HTTP", "hostname": hostname,
                })
            })
            .collect();
        for (index, route) in routes.iter_mut().enumerate() {
            route["name"] = json!(format!("r{index}"));
            for (rule, record) in route["rules"].as_array_mut().unwrap().iter_mut().enumerate() {
                record["id"] = json!(format!("{index}/{rule}"));
            }
        }
        json!({"version": "1.0.0", "listeners": listeners, "routes": routes})
    })
}

#[derive(Debug, Clone)]
struct Received {
    socket: &'static str,
    host: String,
    method: &'static str,
    target: String,
    headers: naive::Lines,
}

impl Received {
    fn request(&self) -> Request<'_, [(String, String)]> {
        Request {
            socket: self.socket.as_bytes(),
            host: self.host.as_bytes(),
            method: self.method.as_bytes(),
            target: self.target.as_bytes(),
            headers: &self.headers[..],
        }
    }
}

fn request() -> impl Strategy<Value = Received> {
    let host = prop::sample::select(vec!["a.io", "B.a.io", "c.b.a.io", "d.c.b.a.io", "z.io", "x.y", "q"]);
    let headers = prop::collection::vec(prop::sample::select(vec![("H", "1"), ("h", "2"), ("g", "1")]), 0..3);
    let query = prop::sample::select(vec!["", "?q=1", "?q=2&q=1", "?p=1&q=1", "?q"]);
    let socket = prop::sample::select(vec!["http-0", "http-1", "http-2"]);
    let method = prop::sample::select(vec!["GET", "POST", "PUT"]);
    let target = (literal_path(), query).prop_map(|(path, query)| format!("{path}{query}"));
    let asked = prop_oneof![
        9 => (method, target),
        1 => Just(("OPTIONS", "*".to_owned())),
    ];
    (socket, host, asked, headers).prop_map(|(socket, host, (method, target), headers)| {
        let headers = headers.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        Received { socket, host: host.to_owned(), method, target, headers }
    })
}

/// Matches of one path that many names tell apart, two conditions each.
fn many_names() -> impl Strategy<Value = Arc<Config>> {
    let condition = (prop::sample::select(NAMES.to_vec()), prop::sample::select(vec!["", "1", "2", "1,2"]))
        .prop_map(|(name, value)| json!({"type": "Exact", "name": name, "value": value}));
    let list = prop::sample::select(vec!["headers", "queryParams"]);
    let one =
        (list, prop::collection::vec(condition, 1..3), 0..5i64).prop_map(|(list, conditions, order)| {
            let rank = json!({"order": [order], "name": "", "position": []});
            json!({"path": {"type": "PathPrefix", "value": "/"}, list: conditions, "rank": rank})
        });
    prop::collection::vec(one, 1..40).prop_map(|matches| {
        Arc::new(loaded(
            &json!({
                "version": "1.0.0",
                "listeners": [{"name": "l", "socket": "http-0", "port": 80, "protocol": "HTTP"}],
                "routes": [{
                    "namespace": "n", "name": "r", "uid": "u",
                    "attachments": [{"listener": "l", "hostnames": ["a.io"]}],
                    "rules": [{"id": "r", "matches": matches}],
                }],
            }),
            None,
        ))
    })
}

const NAMES: [&str; 10] = ["host", "a", "b", "c", "d", "e", "f", "g", "h", "i"];

/// Requests that have some of these names, in both parts, and some of them twice.
fn request_of_names() -> impl Strategy<Value = Received> {
    let pair = || (prop::sample::select(NAMES[1..].to_vec()), prop::sample::select(vec!["", "1", "2"]));
    let headers = prop::collection::vec(pair(), 0..6);
    let query = prop::collection::vec(pair(), 0..6);
    (headers, query).prop_map(|(headers, query)| {
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Received {
            socket: "http-0",
            host: "a.io".to_owned(),
            method: "GET",
            target: format!("/?{}", query.join("&")),
            headers: headers.into_iter().map(|(n, v)| (n.to_uppercase(), v.to_owned())).collect(),
        }
    })
}

fn summary(decision: &Decision) -> Found {
    let chosen = decision.chosen.map(|chosen| (chosen.route, chosen.rule, chosen.match_index));
    let status = match decision.outcome {
        Outcome::Answer(answer) if chosen.is_none() => answer.status,
        _ => 0,
    };
    Found { listener: decision.listener, chosen, status }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_index_agrees_with_trying_everything(
        config in config(),
        requests in prop::collection::vec(request(), 1..30),
    ) {
        let router = Router::new(Arc::clone(&config));
        let mut scratch = Scratch::default();
        for received in requests {
            let request = received.request();
            let found = summary(&router.decide(&request, &mut scratch));
            prop_assert_eq!(found, naive::decide(&config, &request), "{:?}", received);
        }
    }

    #[test]
    fn many_names_agree_with_trying_everything(
        config in many_names(),
        requests in prop::collection::vec(request_of_names(), 1..20),
    ) {
        let router = Router::new(Arc::clone(&config));
        let mut scratch = Scratch::default();
        for received in requests {
            let request = received.request();
            let found = summary(&router.decide(&request, &mut scratch));
            prop_assert_eq!(found, naive::decide(&config, &request), "{:?}", received);
        }
    }

    #[test]
    fn an_index_that_shares_with_the_one_before_agrees_as_well(
        before in file(),
        mut after in file(),
        kept in prop::collection::vec(any::<bool>(), 8),
        same_listeners in any::<bool>(),
        requests in prop::collection::vec(request(), 1..20),
    ) {
        let routes = before["routes"].as_array().unwrap().iter().zip(&kept).filter(|(_, kept)| **kept);
        let kept: Vec<_> = routes.map(|(route, _)| route.clone()).collect();
        let names: Vec<_> = kept.iter().map(|route| route["name"].clone()).collect();
        let changed = after["routes"].as_array_mut().unwrap();
        changed.retain(|route| !names.contains(&route["name"]));
        changed.extend(kept);
        if same_listeners {
            after["listeners"] = before["listeners"].clone();
        }
        let before = loaded(&before, None);
        let after = Arc::new(loaded(&after, Some(&before)));
        let router = Router::renew(Arc::clone(&after), Some(&Router::new(Arc::new(before))));
        let mut scratch = Scratch::default();
        for received in requests {
            let request = received.request();
            let found = summary(&router.decide(&request, &mut scratch));
            prop_assert_eq!(found, naive::decide(&after, &request), "{:?}", received);
        }
    }

    #[test]
    fn paths_are_brought_into_one_form(path in "(/(\\.|\\.\\.|%2[eE]|%2[fF]|%41|[a;.]|%|))*") {
        let expected = naive::normal(&format!("/{path}"));
        let mut buffer = Vec::new();
        let raw = format!("/{path}");
        let found = path::normalise(raw.as_bytes(), &mut buffer).ok().map(<[u8]>::to_vec);
        prop_assert_eq!(found.map(|p| String::from_utf8(p).unwrap()), expected);
    }
}
