//! What is decided for every request, and for every response that is fetched. There is no verdict
//! by time.

use std::hash::{DefaultHasher, Hasher};
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use ghost_cache::freshness::Timing;
use ghost_cache::key::{self, Framed, Identity, Request, Scratch};
use ghost_cache::policy::{Coding, Languages, NamePattern, Parameters, Policy};
use ghost_cache::response::ResponseFields;
use ghost_cache::storability::{self, Asked, Decision};
use ghost_cache::{cache_status, lookup};

const NOW: i64 = 784_111_777;

/// What a browser sends.
const REQUEST: [(&str, &str); 9] = [
    ("host", "Shop.example.com:443"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("accept-language", "de-CH,de;q=0.8,en-US;q=0.5,en;q=0.3"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("cookie", "_ga=GA1.2.1234567890.1234567890; theme=dark; consent=all"),
    ("referer", "https://shop.example.com/"),
    ("sec-fetch-mode", "navigate"),
    ("x-forwarded-for", "192.0.2.1"),
];

const TARGET: &str = "/products/list?page=2&utm_source=news&sort=price&utm_medium=mail&color=red";

/// What an origin sends.
const RESPONSE: [(&str, &str); 9] = [
    ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("server", "nginx"),
    ("content-type", "text/html; charset=utf-8"),
    ("content-length", "31415"),
    ("cache-control", "public, max-age=600, stale-while-revalidate=60, stale-if-error=86400"),
    ("etag", "\"33a64df551425fcc55e4d42a148795d9f25f89d4\""),
    ("last-modified", "Sat, 05 Nov 1994 08:49:37 GMT"),
    ("vary", "Accept-Encoding"),
    ("x-request-id", "7b6c0a7e"),
];

fn policy() -> Policy {
    let mut policy = Policy::default();
    policy.bypass.cookies = vec![NamePattern::from("session"), NamePattern::from("wp_*")];
    policy.key.query.parameters = Parameters::Exclude(vec![NamePattern::from("utm_*")]);
    policy.key.query.sort = true;
    policy.key.cookies = vec![NamePattern::from("theme")];
    policy.key.codings = vec![Coding::Brotli, Coding::Gzip];
    policy.key.languages = Some(Languages { default: "en".into(), others: vec!["de".into(), "fr".into()] });
    policy
}

fn hash(policy: &Policy, scratch: &mut Scratch) -> u64 {
    let request = Request {
        is_https: true,
        host: REQUEST[0].1.as_bytes(),
        target: TARGET.as_bytes(),
        headers: &REQUEST[..],
    };
    let mut hasher = DefaultHasher::new();
    let mut sink = Framed(|piece: &[u8]| hasher.write(piece));
    key::write(&policy.key, Identity::Rule(b"0b5c6f0e/main"), &request, scratch, &mut sink);
    hasher.finish()
}

fn decide(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    let (plain, rich) = (Policy::default(), policy());
    let mut scratch = Scratch::default();
    group.bench_function("lookup by a policy with bypass cookies", |bencher| {
        bencher.iter(|| lookup::decide(black_box(&rich), b"GET", false, &REQUEST[..]));
    });
    group.bench_function("key by host, path and query", |bencher| {
        bencher.iter(|| hash(black_box(&plain), &mut scratch));
    });
    group.bench_function("key with everything", |bencher| {
        bencher.iter(|| hash(black_box(&rich), &mut scratch));
    });
    group.bench_function("freshness and storability", |bencher| {
        bencher.iter(|| stored(black_box(&rich)));
    });
    let status = cache_status::CacheStatus::hit("varnish-gateway", 599);
    let mut line = String::new();
    group.bench_function("Cache-Status", |bencher| {
        bencher.iter(|| {
            line.clear();
            status.write(black_box(&mut line)).expect("a String takes everything");
        });
    });
    group.finish();
}

fn stored(policy: &Policy) -> Decision {
    let fields = ResponseFields::read(&policy.freshness, 200, &RESPONSE[..], NOW);
    let decision = storability::decide(policy, Asked::read(b"GET", &REQUEST[..]), &fields, Timing::at(NOW));
    assert!(matches!(decision, Decision::Store(_)), "{decision:?}");
    decision
}

criterion_group!(benches, decide);
criterion_main!(benches);
