//! The table says what a list of all invalidations says.

use std::cell::Cell;
use std::hash::{Hash, Hasher};

use ghost_invalidation::{Asked, Generation, Invalidation, Label, Stamp, Subject, Table};
use proptest::prelude::*;

/// Host, path and query.
type Url = (Vec<u8>, Vec<u8>, Option<Vec<u8>>);

#[derive(Debug, Clone)]
struct Request {
    namespace: &'static str,
    route: &'static str,
    policy: &'static str,
    urls: Vec<Url>,
    tags: Vec<Vec<u8>>,
    /// How its policy compares queries.
    comparison: u64,
}

impl Asked for Request {
    fn namespace(&self) -> &str {
        self.namespace
    }
    fn route(&self) -> &str {
        self.route
    }
    fn has_policy(&self, name: &str) -> bool {
        name == self.policy
    }
    fn urls(&self) -> impl Iterator<Item = (&[u8], &[u8], Option<&[u8]>)> {
        self.urls.iter().map(|(host, path, query)| (&host[..], &path[..], query.as_deref()))
    }
    fn comparison(&self) -> u64 {
        self.comparison
    }
    fn hash_query(&self, query: Option<&[u8]>, hasher: &mut impl Hasher) {
        key(self.comparison, query).hash(hasher);
    }
}

/// What of a query is in the key: all of it, its letters in any order, its length, or nothing.
fn key(comparison: u64, query: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut key = query.map(<[u8]>::to_vec)?;
    match comparison {
        0 => {}
        1 => key.sort_unstable(),
        2 => key = vec![key.len() as u8],
        _ => return None,
    }
    Some(key)
}

/// The right answer, found by trying every invalidation.
fn naive(all: &[(Generation, Invalidation)], request: &Request) -> Stamp {
    let mut stamp = Stamp::default();
    for (generation, invalidation) in all {
        let fits = invalidation.namespace.as_ref() == request.namespace
            && match &invalidation.subject {
                Subject::All => true,
                Subject::Route(name) => &**name == request.route,
                Subject::Policy(name) => &**name == request.policy,
                Subject::Tag(tag) => request.tags.iter().any(|t| t[..] == **tag),
                Subject::Host(host) => request.urls.iter().any(|(h, _, _)| h[..] == **host),
                Subject::Prefix { host, prefix } => {
                    request.urls.iter().any(|(h, path, _)| h[..] == **host && path.starts_with(prefix))
                }
                Subject::Url { host, path, query } => request.urls.iter().any(|(h, p, q)| {
                    let [asked, named] = [q.as_deref(), query.as_deref()].map(|q| key(request.comparison, q));
                    h[..] == **host && p[..] == **path && asked == named
                }),
            };
        if fits && invalidation.soft {
            stamp.soft = *generation;
        } else if fits {
            stamp.hard = *generation;
        }
    }
    stamp
}

fn of(table: &Table, request: &Request, object: Generation) -> Stamp {
    let tags = || request.tags.iter().map(|tag| Label::Tag(tag));
    table.stamp(request).and(table.of_labels(request.namespace, object, tags))
}

fn namespace() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b"])
}
fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["r", "s"])
}
fn host() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(vec![b"x.io".to_vec(), b"y.io".to_vec()])
}
fn path() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(vec![b"/".to_vec(), b"/a".to_vec(), b"/a/b".to_vec(), b"/ab".to_vec()])
}
fn query() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop::option::of(prop::sample::select(vec![b"".to_vec(), b"xy".to_vec(), b"yx".to_vec(), b"x".to_vec()]))
}
fn tag() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(vec![b"t".to_vec(), b"u".to_vec(), b"tu".to_vec()])
}

fn subject() -> impl Strategy<Value = Subject> {
    let prefix = prop::sample::select(vec!["", "/", "/a", "/a/", "/ab", "/x"]);
    prop_oneof![
        1 => Just(Subject::All),
        2 => name().prop_map(|name| Subject::Route(name.into())),
        2 => name().prop_map(|name| Subject::Policy(name.into())),
        4 => tag().prop_map(|tag| Subject::Tag(tag.into())),
        2 => host().prop_map(|host| Subject::Host(host.into())),
        4 => (host(), prefix)
            .prop_map(|(h, p)| Subject::Prefix { host: h.into(), prefix: p.as_bytes().into() }),
        4 => (host(), path(), query()).prop_map(|(h, p, q)| Subject::Url {
            host: h.into(),
            path: p.into(),
            query: q.map(Into::into),
        }),
    ]
}

fn invalidation() -> impl Strategy<Value = Invalidation> {
    (namespace(), subject(), any::<bool>(), any::<bool>()).prop_map(
        |(namespace, subject, soft, by_request)| Invalidation {
            namespace: namespace.into(),
            subject,
            soft,
            by_request,
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    let urls = prop::collection::vec((host(), path(), query()), 1..3);
    (namespace(), name(), name(), urls, prop::collection::vec(tag(), 0..3), 0_u64..4).prop_map(
        |(namespace, route, policy, urls, tags, comparison)| Request {
            namespace,
            route,
            policy,
            urls,
            tags,
            comparison,
        },
    )
}

proptest! {
    #[test]
    fn the_table_says_what_the_list_says(
        invalidations in prop::collection::vec(invalidation(), 0..12),
        requests in prop::collection::vec(request(), 1..6),
    ) {
        let table = Table::new(1000);
        let mut all: Vec<_> = Vec::new();
        for invalidation in invalidations {
            all.push((table.invalidate(&invalidation, 0.0, 100.0), invalidation));
            // What was looked up in between makes no difference.
            for request in &requests {
                prop_assert_eq!(of(&table, request, Generation(0)), naive(&all, request));
            }
        }
        for request in &requests {
            let expected = naive(&all, request);
            prop_assert_eq!(of(&table, request, Generation(0)), expected);
            // What is newer than an object matters to it, and nothing else does.
            for object in 0..=all.len() as u64 {
                let stamp = of(&table, request, Generation(object));
                prop_assert_eq!(stamp.removes(Generation(object)), expected.removes(Generation(object)));
                prop_assert_eq!(stamp.makes_stale(Generation(object)), expected.makes_stale(Generation(object)));
            }
        }
    }

    #[test]
    fn a_full_table_invalidates_more_and_never_less(
        invalidations in prop::collection::vec(invalidation(), 0..40),
        requests in prop::collection::vec(request(), 1..6),
        limit in 1_usize..6,
    ) {
        let table = Table::new(limit);
        let all: Vec<_> =
            invalidations.into_iter().map(|i| (table.invalidate(&i, 0.0, 100.0), i)).collect();
        prop_assert!(table.len() <= limit.max(2) + 1, "{} entries", table.len());
        for request in &requests {
            for object in 0..=all.len() as u64 {
                let (object, expected) = (Generation(object), naive(&all, request));
                let stamp = of(&table, request, object);
                prop_assert!(stamp.removes(object) || !expected.removes(object));
                let is_touched = stamp.removes(object) || stamp.makes_stale(object);
                prop_assert!(is_touched || !expected.makes_stale(object));
            }
        }
    }

    #[test]
    fn what_concerns_no_object_any_more_is_forgotten(
        invalidations in prop::collection::vec((invalidation(), 0_u32..100), 0..12),
        requests in prop::collection::vec(request(), 1..6),
        now in 0_u32..100,
    ) {
        let (table, kept) = (Table::new(1000), Table::new(1000));
        for (i, until) in &invalidations {
            table.invalidate(i, 0.0, f64::from(*until));
            kept.invalidate(i, 0.0, 1000.0);
        }
        table.forget(f64::from(now));
        // An object of any generation that is still there has the same answer.
        let alive = invalidations.iter().filter(|(_, until)| *until >= now);
        for request in &requests {
            let is_forgotten = of(&table, request, Generation(0)) == Stamp::default();
            let concerns =
                |i: &Invalidation| naive(&[(Generation(1), i.clone())], request) != Stamp::default();
            let concerned = alive.clone().any(|(i, _)| concerns(i));
            prop_assert!(!is_forgotten || !concerned, "forgotten too early");
        }
        table.forget(1000.0);
        prop_assert!(table.is_empty());
        prop_assert_eq!(table.generation(), kept.generation());
    }
}

fn request_for(urls: &[(&str, &str, &str)]) -> Request {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let urls = urls.iter().map(|(host, path, query)| (bytes(host), bytes(path), Some(bytes(query))));
    let urls = urls.collect();
    Request { namespace: "shop", route: "r", policy: "p", urls, tags: vec![], comparison: 1 }
}

/// Notes that so many queries of a path are invalid: "q0", "q1" and so on.
fn note_queries(table: &Table, path: &str, count: usize, by_request: bool) {
    for number in 0..count {
        let query = Some(format!("q{number}").into_bytes().into());
        let subject = Subject::Url { host: b"x.io"[..].into(), path: path.as_bytes().into(), query };
        let invalidation = Invalidation { namespace: "shop".into(), subject, soft: false, by_request };
        table.invalidate(&invalidation, 0.0, 100.0);
    }
}

#[test]
fn many_queries_that_clients_name_become_one_entry_of_their_path() {
    // RFC 9111 section 4.4: a cache may invalidate more than the target URI, and must not invalidate less.
    let removes = |table: &Table, path: &str, query: &str| {
        table.stamp(&request_for(&[("x.io", path, query)])).removes(Generation(0))
    };
    for (count, by_request, is_other_gone) in
        [(256, true, false), (257, true, true), (5000, true, true), (257, false, false), (5000, false, false)]
    {
        let name = format!("{count} by requests: {by_request}");
        let table = Table::new(1_000_000);
        note_queries(&table, "/a", count, by_request);
        for number in 0..count {
            assert!(removes(&table, "/a", &format!("q{number}")), "{name}: q{number}");
        }
        assert_eq!(removes(&table, "/a", "other"), is_other_gone, "{name}");
        assert!(!removes(&table, "/b", "q0"), "{name}: another path");
        let most = if by_request { 257 } else { count };
        assert!(table.len() <= most, "{name}: {} entries", table.len());
    }
}

#[test]
fn a_full_table_gives_up_the_detail_of_the_host_that_fills_it() {
    // Clients of one host that change many URLs leave what is cached of others.
    let table = Table::new(1000);
    note_queries(&table, "/before", 3, false);
    for number in 0..5000 {
        let path = format!("/orders/{number}").into_bytes().into();
        let subject = Subject::Url { host: b"api.io"[..].into(), path, query: None };
        let invalidation = Invalidation { namespace: "shop".into(), subject, soft: false, by_request: true };
        table.invalidate(&invalidation, 0.0, 100.0);
    }
    assert!(table.len() <= 1001, "{} entries", table.len());
    for (host, path, query, is_gone) in [
        ("api.io", "/orders/0", "", true),
        ("api.io", "/other", "", true),
        ("x.io", "/before", "q0", true),
        ("x.io", "/before", "other", false),
        ("x.io", "/orders/0", "", false),
    ] {
        let stamp = table.stamp(&request_for(&[(host, path, query)]));
        assert_eq!(stamp.removes(Generation(0)), is_gone, "{host}{path}?{query}");
    }
}

#[test]
fn long_names_count_as_several_entries() {
    let table = Table::new(1000);
    let path = format!("/{}", "a".repeat(10_000));
    note_queries(&table, &path, 200, false);
    // 200 entries of 10 kB are 2 MB, and the limit is one of 256 kB.
    assert!(table.len() <= 1000, "{} entries", table.len());
    assert!(table.stamp(&request_for(&[("x.io", &path, "q0")])).removes(Generation(0)));
}

#[test]
fn a_lookup_hashes_its_own_query_and_no_other() {
    struct Counting(Request, Cell<usize>);
    impl Asked for Counting {
        fn namespace(&self) -> &str {
            self.0.namespace()
        }
        fn route(&self) -> &str {
            self.0.route()
        }
        fn has_policy(&self, name: &str) -> bool {
            self.0.has_policy(name)
        }
        fn urls(&self) -> impl Iterator<Item = (&[u8], &[u8], Option<&[u8]>)> {
            self.0.urls()
        }
        fn comparison(&self) -> u64 {
            self.0.comparison()
        }
        fn hash_query(&self, query: Option<&[u8]>, hasher: &mut impl Hasher) {
            self.1.set(self.1.get() + 1);
            self.0.hash_query(query, hasher);
        }
    }
    for comparison in 0..4 {
        for count in [1, 256, 5000] {
            let table = Table::new(1_000_000);
            note_queries(&table, "/a", count, false);
            let request = Request { comparison, ..request_for(&[("x.io", "/a", "other")]) };
            let asked = Counting(request, Cell::new(0));
            let mut hashed = [0; 3];
            for (round, hashed) in hashed.iter_mut().enumerate() {
                if round == 2 {
                    note_queries(&table, "/a", 1, false);
                }
                asked.1.set(0);
                table.stamp(&asked);
                *hashed = asked.1.get();
            }
            // The first one makes the index.
            assert_eq!(hashed, [count + 1, 1, 1], "{count} queries, comparison {comparison}");
        }
    }
}

#[test]
fn an_order_is_remembered_as_long_as_an_object_that_was_on_its_way_lives() {
    const DAY: f64 = 86_400.0;
    let all =
        Invalidation { namespace: "shop".into(), subject: Subject::All, soft: false, by_request: false };
    let holds = |table: &Table| table.stamp(&request_for(&[])).removes(Generation(0));
    // The lives, in days, of an object before the order and of one that is stored an hour after it. It is
    // remembered until a fetch of a day has ended and its object has expired.
    for (name, before, after, forgotten) in [
        ("none is stored", None, None, 1.1),
        ("the first that lives long comes later", None, Some(30.0), 31.1),
        ("one that lives as long was there before", Some(30.0), Some(30.0), 31.1),
        ("one that lives longer was there before", Some(30.0), Some(2.0), 31.1),
        ("one that lives shorter was there before", Some(20.0), Some(30.0), 41.1),
    ] {
        let table = Table::new(10);
        if let Some(days) = before {
            table.note_life(days * DAY, DAY);
        }
        table.invalidate(&all, 0.0, DAY);
        if let Some(days) = after {
            table.note_life(days * DAY, 3600.0 + DAY);
        }
        table.forget((forgotten - 0.2) * DAY);
        assert!(holds(&table), "{name}: forgotten too early");
        table.forget(forgotten * DAY);
        assert!(!holds(&table), "{name}: never forgotten");
    }
}

#[test]
fn an_object_is_reached_by_what_it_was_stored_by() {
    // A route and a policy of the request, and others of the object.
    for (subject, of_request, of_object) in [
        (Subject::Route("r".into()), true, false),
        (Subject::Route("stored".into()), false, true),
        (Subject::Policy("p".into()), true, false),
        (Subject::Policy("stored".into()), false, true),
        (Subject::Tag(b"stored"[..].into()), false, true),
        (Subject::Route("other".into()), false, false),
        (Subject::Tag(b"other"[..].into()), false, false),
    ] {
        let table = Table::new(10);
        let name = format!("{subject:?}");
        let invalidation = Invalidation { namespace: "shop".into(), subject, soft: false, by_request: false };
        let from = table.invalidate(&invalidation, 0.0, 1.0);
        let labels = [Label::Tag(b"stored"), Label::Route("stored"), Label::Policy("stored")];
        let labels = |object| table.of_labels("shop", object, || labels.into_iter()).removes(object);
        assert_eq!(table.stamp(&request_for(&[])).removes(Generation(0)), of_request, "{name}");
        assert_eq!((labels(Generation(0)), labels(from)), (of_object, false), "{name}");
    }
}

#[test]
fn an_object_whose_fetch_began_before_is_concerned_and_one_that_began_later_is_not() {
    let table = Table::new(10);
    let before = table.generation();
    let all =
        Invalidation { namespace: "shop".into(), subject: Subject::All, soft: false, by_request: false };
    let from = table.invalidate(&all, 0.0, 1.0);
    let request = request_for(&[]);
    let stamp = of(&table, &request, before);
    assert!(stamp.removes(before));
    assert!(!stamp.removes(from));
    assert_eq!(table.generation(), from);
}

#[test]
fn a_lookup_allocates_nothing() {
    let table = Table::new(1000);
    for subject in [
        Subject::All,
        Subject::Tag(b"t"[..].into()),
        Subject::Prefix { host: b"x.io"[..].into(), prefix: b"/a"[..].into() },
        Subject::Url { host: b"x.io"[..].into(), path: b"/a"[..].into(), query: None },
    ] {
        table.invalidate(
            &Invalidation { namespace: "a".into(), subject, soft: true, by_request: true },
            0.0,
            1.0,
        );
    }
    struct Fixed;
    impl Asked for Fixed {
        fn namespace(&self) -> &str {
            "a"
        }
        fn route(&self) -> &str {
            "r"
        }
        fn has_policy(&self, _: &str) -> bool {
            true
        }
        fn urls(&self) -> impl Iterator<Item = (&[u8], &[u8], Option<&[u8]>)> {
            [(&b"x.io"[..], &b"/a"[..], None)].into_iter()
        }
        fn comparison(&self) -> u64 {
            0
        }
        fn hash_query(&self, query: Option<&[u8]>, hasher: &mut impl Hasher) {
            query.hash(hasher);
        }
    }
    // The first one makes the index of the path's queries.
    table.stamp(&Fixed);
    let info = allocation_counter::measure(|| {
        let tags: [&[u8]; 2] = [b"t", b"u"];
        table.stamp(&Fixed);
        table.of_labels("a", Generation(0), || tags.into_iter().map(Label::Tag));
    });
    assert_eq!(info.count_total, 0);
}
