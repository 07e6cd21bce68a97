//! What is decided for every request allocates nothing once its scratch is warm.

use allocation_counter::measure;
use ghost_cache::key::{self, Framed, Identity, Request, Scratch};
use ghost_cache::policy::{Coding, HeaderTest, Languages, Parameters, Policy};
use ghost_cache::reuse::Candidate;
use ghost_cache::{cache_status, lookup, selecting};

fn policy() -> Policy {
    let mut policy = Policy { heed_clients: true, ..Policy::default() };
    policy.bypass.cookies = vec!["session".into()];
    policy.bypass.headers = vec![HeaderTest { name: b"x-preview".as_slice().into(), value: None }];
    policy.key.scheme = true;
    policy.key.query.parameters = Parameters::Exclude(vec!["utm_*".into()]);
    policy.key.query.sort = true;
    policy.key.headers = vec![b"x-a".as_slice().into(), b"accept".as_slice().into()];
    policy.key.cookies = vec!["a".into()];
    policy.key.codings = vec![Coding::Gzip];
    policy.key.languages = Some(Languages { default: "en".into(), others: vec!["de".into()] });
    policy
}

#[test]
fn a_request_is_decided_without_allocation() {
    let policy = policy();
    let headers = [
        ("Cookie", "a=1; b=2"),
        ("Accept", "a/b, c/d"),
        ("X-A", "1"),
        ("X-A", "2"),
        ("Accept-Encoding", "gzip, br;q=0.5"),
        ("Accept-Language", "de-CH-1996, en;q=0.5"),
        ("Cache-Control", "max-age=60"),
    ];
    let target: String = (0..200).rev().map(|n| format!("&p%{:02x}{n}=x", 0x61 + n % 26)).collect();
    let target = format!("/x?{target}&utm_source=y");
    let request =
        Request { is_https: true, host: b"A.io:443", target: target.as_bytes(), headers: &headers[..] };
    let mut scratch = Scratch::default();
    let mut sum = 0;
    let mut write = |scratch: &mut Scratch| {
        let mut sink = Framed(|piece: &[u8]| sum += piece.len());
        key::write(&policy.key, Identity::Rule(b"r"), &request, scratch, &mut sink);
    };
    write(&mut scratch);
    assert_eq!(measure(|| write(&mut scratch)).count_total, 0, "the key");
    assert!(sum > 0);
    let usual = [
        ("Accept", "text/html,*/*;q=0.8"),
        ("Accept-Language", "de-CH,de;q=0.9"),
        ("Accept-Encoding", "gzip, br"),
        ("Cookie", "a=1; b=2"),
    ];
    let policy_of_vary = Policy::default();
    let looked_at = measure(|| _ = selecting::others(&policy_of_vary.key, &usual[..]));
    assert_eq!(looked_at.count_total, 0, "what Vary compares");
    let mut decision = None;
    let asked = measure(|| decision = Some(lookup::decide(&policy, b"GET", false, &headers[..])));
    assert_eq!(asked.count_total, 0, "the lookup");
    let Some(lookup::Lookup::Cache(wishes)) = decision else { panic!("it is a pass: {decision:?}") };
    let candidate = Candidate {
        age: 61,
        lifetime: 100,
        stale_while_revalidate: 0,
        stale_if_error: 0,
        may_be_stale: true,
    };
    assert_eq!(measure(|| _ = candidate.answers(&wishes)).count_total, 0, "whether it is reused");
    let mut line = String::with_capacity(100);
    let status = cache_status::CacheStatus { detail: Some("a b"), ..cache_status::CacheStatus::hit("x", 39) };
    assert_eq!(measure(|| status.write(&mut line).unwrap()).count_total, 0, "Cache-Status");
    assert_eq!(line, "x; hit; ttl=39; detail=\"a b\"");
}
