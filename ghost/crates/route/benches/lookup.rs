//! What a lookup costs with 10 routes and with 10,000: the same, whatever tells the routes apart, but for
//! expressions that begin with nothing literal, which are tried one by one. And what it costs to index the
//! 10,000 after a reload.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ghost_config::{Config, load};
use ghost_route::{Request, Router, Scratch};
use serde_json::{Value, json};

const SIZES: [usize; 2] = [10, 10_000];
const KINDS: [&str; 11] = [
    "Exact",
    "PathPrefix",
    "RegularExpression",
    "RegularExpression without a prefix",
    "hostname",
    "header",
    "query",
    "method",
    "header name",
    "query name",
    "nested prefixes",
];

/// A route of a kind: all under one host and told apart by path or another condition, or each with a host of
/// its own.
fn route(kind: &str, index: usize) -> Value {
    let (path_type, path, hostname) = match kind {
        "hostname" => ("PathPrefix", "/".to_owned(), format!("h{index}.a.io")),
        "header" | "query" | "method" | "header name" | "query name" => {
            ("PathPrefix", "/".to_owned(), "a.io".to_owned())
        }
        // Seven below each other, of which the last one fits.
        "nested prefixes" => {
            ("PathPrefix", format!("/p{}{}", index - index % 7, "/x".repeat(index % 7)), "a.io".to_owned())
        }
        "RegularExpression" => (kind, format!("/p{index}/[a-z]+"), "a.io".to_owned()),
        "RegularExpression without a prefix" => {
            ("RegularExpression", format!(".*/p{index}/x"), "a.io".to_owned())
        }
        _ => (kind, format!("/p{index}/x"), "a.io".to_owned()),
    };
    let mut found = json!({
        "path": {"type": path_type, "value": &path},
        "rank": {"order": [-(path.len() as i64), index], "name": "n", "position": [0, 0]},
    });
    let condition = |name: &str| json!([{"type": "Exact", "name": name, "value": format!("v{index}")}]);
    let named = |name: &str| json!([{"type": "Exact", "name": format!("{name}-{index}"), "value": "v"}]);
    match kind {
        "header" => found["headers"] = condition("x-bench"),
        "query" => found["queryParams"] = condition("bench"),
        "header name" => found["headers"] = named("x-bench"),
        "query name" => found["queryParams"] = named("bench"),
        "method" => found["method"] = json!(format!("M{index}")),
        _ => {}
    }
    json!({
        "namespace": "n", "name": index.to_string(), "uid": index.to_string(),
        "attachments": [{"listener": "http", "hostnames": [hostname]}],
        "rules": [{
            "id": index.to_string(),
            "matches": [found],
            "backends": [{"invalid": "BackendNotFound", "weight": 1}],
        }],
    })
}

fn config(kind: &str, size: usize) -> Arc<Config> {
    let routes: Vec<_> = (0..size).map(|index| route(kind, index)).collect();
    let listeners = json!([{"name": "http", "socket": "http-80", "port": 80, "protocol": "HTTP"}]);
    let file = json!({"version": "1.0.0", "listeners": listeners, "routes": routes});
    Arc::new(load(file.to_string().as_bytes(), None).expect("the file is sound").config)
}

/// A request that fits a route.
struct Asked {
    host: String,
    method: String,
    target: String,
    headers: [(String, String); 4],
}

/// Requests that fit, spread over the routes.
fn requests(kind: &str, size: usize) -> Vec<Asked> {
    let one = |index: usize| {
        let host = if kind == "hostname" { format!("h{index}.a.io") } else { "a.io".to_owned() };
        let method = if kind == "method" { format!("M{index}") } else { "GET".to_owned() };
        let path = match kind {
            "nested prefixes" => format!("/p{}{}", index - index % 7, "/x".repeat(index % 7)),
            _ => format!("/p{index}/x"),
        };
        let target = format!("{path}?bench=v{index}&bench-{index}=v");
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = [
            header("accept", "*/*"),
            header("user-agent", "bench"),
            header("x-bench", &format!("v{index}")),
            header(&format!("X-Bench-{index}"), "v"),
        ];
        Asked { host, method, target, headers }
    };
    (0..64).map(|step| one(step * 7919 % size)).collect()
}

fn decide_all(router: &Router, requests: &[Asked], scratch: &mut Scratch) {
    for asked in requests {
        let request = Request {
            socket: b"http-80",
            host: asked.host.as_bytes(),
            method: asked.method.as_bytes(),
            target: asked.target.as_bytes(),
            headers: &asked.headers[..],
        };
        let decision = black_box(router.decide(&request, scratch));
        assert!(decision.chosen.is_some(), "every request fits a route");
    }
}

fn lookup(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("64 lookups");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    for kind in KINDS {
        let mut best = [Duration::MAX; 2];
        for (size, best) in SIZES.into_iter().zip(&mut best) {
            let router = Router::new(config(kind, size));
            let requests = requests(kind, size);
            let mut scratch = Scratch::default();
            group.bench_function(BenchmarkId::new(kind, size), |bencher| {
                bencher.iter(|| decide_all(&router, &requests, &mut scratch));
            });
            for _ in 0..50 {
                let start = Instant::now();
                decide_all(&router, &requests, &mut scratch);
                *best = (*best).min(start.elapsed());
            }
        }
        let ratio = best[1].as_secs_f64() / best[0].as_secs_f64();
        println!("{kind}: 10,000 routes cost {ratio:.2} of 10 ({:?} a lookup)", best[1] / 64);
    }
    group.finish();
}

fn index(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("index of 10,000 routes");
    group.sample_size(10);
    for kind in ["PathPrefix", "hostname"] {
        let config = config(kind, 10_000);
        group.bench_function(kind, |bencher| bencher.iter(|| Router::new(Arc::clone(&config))));
    }
    group.finish();
}

criterion_group!(benches, lookup, index);
criterion_main!(benches);
