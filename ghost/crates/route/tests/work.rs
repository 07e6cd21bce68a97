//! How much of a request a lookup looks at: it does not depend on how many names or prefixes there are.

use std::cell::Cell;
use std::sync::Arc;

use allocation_counter::measure;
use ghost_config::load;
use ghost_route::{Headers, Outcome, Request, Router, Scratch};
use serde_json::{Value, json};

/// Header lines that count how many of them were looked at.
struct Counted {
    lines: Vec<(String, String)>,
    looked_at: Cell<usize>,
}

impl Headers for Counted {
    fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.lines.iter().map(|(name, value)| {
            self.looked_at.set(self.looked_at.get() + 1);
            (name.as_bytes(), value.as_bytes())
        })
    }
}

fn router(matches: impl Iterator<Item = Value>) -> Router {
    let rules: Vec<_> = matches
        .enumerate()
        .map(|(index, found)| {
            json!({"id": index.to_string(), "matches": [found], "backends": [{"invalid": "None", "weight": 1}]})
        })
        .collect();
    let file = json!({
        "version": "1.0.0",
        "listeners": [{"name": "http", "socket": "http-80", "port": 80, "protocol": "HTTP"}],
        "routes": [{
            "namespace": "n", "name": "r", "uid": "u", "rules": rules,
            "attachments": [{"listener": "http", "hostnames": ["a.io"]}],
        }],
    });
    Router::new(Arc::new(load(file.to_string().as_bytes(), None).expect("a sound file").config))
}

/// The rule that a request fits, how many header lines were looked at, and how often memory was allocated.
fn asked(router: &Router, target: &str, lines: &[(String, String)]) -> (Option<usize>, usize, u64) {
    let headers = Counted { lines: lines.to_vec(), looked_at: Cell::new(0) };
    let request = Request {
        socket: b"http-80",
        host: b"a.io",
        method: b"GET",
        target: target.as_bytes(),
        headers: &headers,
    };
    let mut scratch = Scratch::default();
    router.decide(&request, &mut scratch);
    headers.looked_at.set(0);
    let mut decision = None;
    let measured = measure(|| decision = Some(router.decide(&request, &mut scratch)));
    let decision = decision.expect("a decision");
    let rule = (decision.outcome == Outcome::Forward).then(|| decision.chosen.expect("a match").rule);
    (rule, headers.looked_at.get(), measured.count_total)
}

fn condition(list: &str, name: String, value: &str, index: usize) -> Value {
    json!({
        "path": {"type": "PathPrefix", "value": "/"},
        list: [{"type": "Exact", "name": name, "value": value}],
        "rank": {"order": [index], "name": "", "position": []},
    })
}

fn lines(names: &[&str]) -> Vec<(String, String)> {
    names.iter().map(|name| ((*name).to_owned(), "1".to_owned())).collect()
}

#[test]
fn many_header_names_of_one_path_cost_what_the_request_has() {
    for count in [3, 5, 100, 5000] {
        let router = router((0..count).map(|index| condition("headers", format!("x-{index}"), "1", index)));
        let last = format!("X-{}", count - 1);
        let table = [
            ("the last name", lines(&["accept", "user-agent", &last]), Some(count - 1)),
            ("two names, of which the lower rank counts", lines(&[&last, "x-1", "accept"]), Some(1)),
            ("no name", lines(&["accept", "user-agent", "x-none"]), None),
        ];
        for (name, lines, rule) in table {
            let (found, looked_at, allocated) = asked(&router, "/", &lines);
            assert_eq!((found, allocated), (rule, 0), "{name} of {count}");
            assert!(looked_at <= 8 * lines.len(), "{name} of {count}: {looked_at} lines");
        }
    }
}

#[test]
fn many_parameter_names_of_one_path_cost_no_memory_and_the_first_value_counts() {
    for count in [3, 5, 100, 5000] {
        let router =
            router((0..count).map(|index| condition("queryParams", format!("p {index}"), "1", index)));
        let last = count - 1;
        let table = [
            (format!("/?a=1&p%20{last}=1"), Some(last)),
            (format!("/?p%20{last}=1&p%202=%31"), Some(2)),
            (format!("/?p%20{last}=2&p%20{last}=1"), None),
            (format!("/?p%20{last}=1&p%20{last}=2"), Some(last)),
            (format!("/?P%20{last}=1&&p%20{last}"), None),
        ];
        for (target, rule) in table {
            let (found, _, allocated) = asked(&router, &target, &[]);
            assert_eq!((found, allocated), (rule, 0), "{target} of {count}");
        }
    }
}

#[test]
fn lines_of_one_of_many_names_are_one_value_and_the_host_is_a_name() {
    let value = |index: usize| if index == 7 { "1,2" } else { "a.io" };
    let name = |index: usize| if index == 8 { "host".to_owned() } else { format!("x-{index}") };
    let router = router((0..20).map(|index| condition("headers", name(index), value(index), index)));
    let split = [("x-7".to_owned(), "1".to_owned()), ("X-7".to_owned(), "2".to_owned())];
    assert_eq!(asked(&router, "/", &split).0, Some(7));
    assert_eq!(asked(&router, "/", &split[..1]).0, Some(8));
    assert_eq!(asked(&router, "/", &[]).0, Some(8));
}

#[test]
fn the_search_ends_with_the_longest_prefix_that_fits() {
    // Each prefix asks for a header, which the request has.
    let path = |depth: usize| "/a".repeat(depth);
    let router = router((1..=100).map(|depth| {
        json!({
            "path": {"type": "PathPrefix", "value": path(depth)},
            "headers": [{"type": "Exact", "name": "x", "value": "1"}],
            "rank": {"order": [-(depth as i64)], "name": "", "position": []},
        })
    }));
    for depth in [1, 50, 100] {
        let (found, looked_at, _) = asked(&router, &path(depth), &lines(&["x"]));
        assert_eq!(found, Some(depth - 1));
        assert!(looked_at <= 4, "{looked_at} lines at depth {depth}");
    }
}

#[test]
fn a_shorter_prefix_of_a_lower_rank_is_found_all_the_same() {
    let router = router(["/a/a", "/a", "/"].iter().enumerate().map(|(index, prefix)| {
        json!({
            "path": {"type": "PathPrefix", "value": prefix},
            "rank": {"order": [-(index as i64)], "name": "", "position": []},
        })
    }));
    assert_eq!(asked(&router, "/a/a/a", &[]).0, Some(2));
}
