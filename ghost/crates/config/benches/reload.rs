//! What a reload costs where one of many routes has changed, beside reading all of them anew.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ghost_config::load;
use serde_json::{Value, json};

fn route(index: usize, path: &str) -> Value {
    let rank =
        json!({"order": [1, -4, 1, 0, 0, index], "name": format!("shop/r{index}"), "position": [0, 0]});
    json!({
        "namespace": "shop", "name": format!("r{index}"), "uid": format!("uid-{index}"),
        "attachments": [{"listener": "http", "hostnames": [format!("h{index}.example.com")]}],
        "rules": [{
            "id": format!("uid-{index}/0"),
            "matches": [
                {"path": {"type": "PathPrefix", "value": path}, "rank": rank},
                {"path": {"type": "RegularExpression", "value": "/item/[0-9]+"}, "rank": rank},
            ],
            "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {
                "set": [{"name": "x-route", "value": index.to_string()}],
            }}],
            "backends": [{"service": "shop/web:80", "weight": 1}],
        }],
    })
}

fn file(routes: usize, changed: usize) -> Vec<u8> {
    let path = |index| if index == changed { "/new" } else { "/old" };
    let routes: Vec<_> = (0..routes).map(|index| route(index, path(index))).collect();
    let listeners = json!([{"name": "http", "socket": "http-80", "port": 80, "protocol": "HTTP"}]);
    let services = json!([{"id": "shop/web:80", "endpoints": [{"address": "10.0.0.1", "port": 8080}]}]);
    let file = json!({"version": "1.0.0", "listeners": listeners, "routes": routes, "services": services});
    file.to_string().into_bytes()
}

fn reload(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reload of 10,000 routes");
    group.sample_size(10);
    let (old, new) = (file(10_000, 0), file(10_000, 5_000));
    let previous = load(&old, None).expect("the file is sound").config;
    group.bench_function("all anew", |b| b.iter(|| load(black_box(&new), None)));
    group.bench_function("one changed", |b| b.iter(|| load(black_box(&new), Some(&previous))));
    group.finish();
}

criterion_group!(benches, reload);
criterion_main!(benches);
