//! Whatever stands in header fields: it is decided, and what forbids storing is never overlooked.

#![no_main]

use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

use ghost_cache::cache_control::RequestDirectives;
use ghost_cache::cache_status::{CacheStatus, Forward};
use ghost_cache::conditional::{self, Updated};
use ghost_cache::date;
use ghost_cache::freshness::Timing;
use ghost_cache::invalidation::Answered;
use ghost_cache::key::{self, Framed, Identity, Request, Scratch};
use ghost_cache::lookup::{self, Lookup};
use ghost_cache::policy::{Coding, Languages, Parameters, Policy};
use ghost_cache::response::{ResponseFields, Source};
use ghost_cache::reuse::Candidate;
use ghost_cache::storability::{self, Asked, Decision};
use libfuzzer_sys::fuzz_target;

/// 2026-11-28.
const NOW: i64 = 1_795_824_000;

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let mut policy = Policy { heed_clients: true, ..Policy::default() };
    policy.bypass.cookies = vec!["session*".into()];
    policy.key.query.parameters = Parameters::Exclude(vec!["utm_*".into()]);
    policy.key.query.sort = true;
    policy.key.headers = vec![b"x-a".as_slice().into()];
    policy.key.cookies = vec!["a".into()];
    policy.key.codings = vec![Coding::Brotli, Coding::Gzip];
    policy.key.languages = Some(Languages { default: "en".into(), others: vec!["de".into()] });
    policy
});

type Lines<'a> = Vec<(&'a [u8], &'a [u8])>;

// The lines of a request's header, an empty line, those of the response's. The first line is a
// target.
fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let target = lines.next().unwrap_or_default();
    let request: Lines<'_> = lines.by_ref().take_while(|line| !line.is_empty()).map(field).collect();
    let response: Lines<'_> = lines.map(field).collect();
    keyed(target, &request);
    let wishes = match lookup::decide(&POLICY, b"GET", false, &request[..]) {
        Lookup::Cache(wishes) => wishes,
        Lookup::Pass(_) => RequestDirectives::default(),
    };
    stored(&request, &response, &wishes);
    let host = request.first().map_or(&b"a.io"[..], |(_, value)| value);
    let answered =
        Answered { is_https: true, host, method: b"PUT", target, status: 200, response: &response[..] };
    assert_eq!(answered.invalidates().first().map(Vec::as_slice), Some(target));
    dated(target);
});

fn field(line: &[u8]) -> (&[u8], &[u8]) {
    let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
    (&line[..colon], line.get(colon + 1..).unwrap_or_default())
}

/// Other spellings of the host, and parameters that do not count, change no key.
fn keyed(target: &[u8], headers: &Lines<'_>) {
    let mut scratch = Scratch::default();
    let mut key = |host: &[u8], target: &[u8]| {
        let request = Request { is_https: true, host, target, headers: &headers[..] };
        let mut found = Vec::new();
        let mut sink = Framed(|piece: &[u8]| found.extend_from_slice(piece));
        key::write(&POLICY.key, Identity::Rule(b"r"), &request, &mut scratch, &mut sink);
        found
    };
    let separator = if target.contains(&b'?') { b"&" } else { b"?" };
    let more = [target, separator, b"utm_x=1"].concat();
    assert_eq!(key(b"a.io", target), key(b"A.io.:80", &more));
    assert_ne!(key(b"a.io", target), key(b"b.io", target));
}

fn stored(request: &Lines<'_>, response: &Lines<'_>, wishes: &RequestDirectives) {
    let fields = ResponseFields::read(&POLICY.freshness, 200, &response[..], NOW);
    let asked = Asked::read(b"GET", &request[..]);
    let decision = storability::decide(&POLICY, asked, &fields, Timing::at(NOW));
    if let Decision::Store(store) = decision {
        // What is written without any quote cannot be meant otherwise.
        let is_cache_control = |name: &[u8]| name.eq_ignore_ascii_case(b"cache-control");
        let plain = response.iter().filter(|(name, value)| is_cache_control(name) && !value.contains(&b'"'));
        let mut elements = plain.flat_map(|(_, value)| value.split(|byte| *byte == b','));
        let forbids = elements.any(|e| [&b"no-store"[..], b"private"].contains(&e.trim_ascii()));
        assert!(!forbids || fields.source != Source::CacheControl || fields.directives.must_understand);
        assert!(store.freshness.is_useful());
        let candidate = Candidate::new(&store.freshness, 1);
        candidate.answers(wishes);
        let updated = Updated { stored: &response[..], answer: &request[..] };
        let updated = ResponseFields::read(&POLICY.freshness, 200, &updated, NOW);
        conditional::confirms(&updated, &fields);
        conditional::validators(&updated);
    }
    let key: &[u8] = response.first().map_or(b"", |(_, value)| value);
    let status = CacheStatus { key: Some(key), ..CacheStatus::forward("gateway", Forward::Miss) };
    assert!(status.to_string().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
}

/// What another implementation takes for a date is that date, but for centuries of two digits.
fn dated(text: &[u8]) {
    let ours = date::parse(text, NOW);
    let Ok(text) = str::from_utf8(text) else { return };
    if text.trim() == text
        && !text.contains('-')
        && let Ok(theirs) = httpdate::parse_http_date(text)
    {
        let theirs = theirs.duration_since(UNIX_EPOCH).expect("it takes none before").as_secs();
        assert_eq!(ours, i64::try_from(theirs).ok());
    }
}
