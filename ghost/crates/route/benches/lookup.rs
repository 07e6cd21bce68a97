//! What a lookup costs with 10 routes and with 10,000: the same, whatever the kind of match. And what it
//! costs to index the 10,000 after a reload.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ghost_config::{Config, load};
use ghost_route::{Request, Router, Scratch};
use serde_json::{Value, json};

const SIZES: [usize; 2] = [10, 10_000];
const KINDS: [&str; 4] = ["Exact", "PathPrefix", "RegularExpression", "hostname"];

/// A route of a kind: all under one host and told apart by path, or each with a host of its own.
fn route(kind: &str, index: usize) -> Value {
    let (path_type, path, hostname) = match kind {
        "hostname" => ("PathPrefix", "/".to_owned(), format!("h{index}.a.io")),
        "RegularExpression" => (kind, format!("/p{index}/[a-z]+"), "a.io".to_owned()),
        _ => (kind, format!("/p{index}/x"), "a.io".to_owned()),
    };
    json!({
        "namespace": "n", "name": index.to_string(), "uid": index.to_string(),
        "attachments": [{"listener": "http", "hostnames": [hostname]}],
        "rules": [{
            "id": index.to_string(),
            "matches": [{
                "path": {"type": path_type, "value": path},
                "rank": {"order": [index], "name": "n", "position": [0, 0]},
            }],
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

/// Host and target of requests that fit, spread over the routes.
fn requests(kind: &str, size: usize) -> Vec<(String, String)> {
    let spread = (0..64).map(|step| step * 7919 % size);
    let one = |index| match kind {
        "hostname" => (format!("h{index}.a.io"), "/p/x".to_owned()),
        _ => ("a.io".to_owned(), format!("/p{index}/x")),
    };
    spread.map(one).collect()
}

fn decide_all(router: &Router, requests: &[(String, String)], scratch: &mut Scratch) {
    let headers: [(&str, &str); 2] = [("accept", "*/*"), ("user-agent", "bench")];
    for (host, target) in requests {
        let request = Request {
            socket: b"http-80",
            host: host.as_bytes(),
            method: b"GET",
            target: target.as_bytes(),
            headers: &headers[..],
        };
        black_box(router.decide(&request, scratch));
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
            for _ in 0..1_000 {
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
