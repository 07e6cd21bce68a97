//! Which requests share an object: sentences.

use std::hash::{DefaultHasher, Hasher};

use ghost_cache::key::{
    Framed, Identity, Part, Request, Scratch, Selected, Sink, Text, hash_query, write, write_selected,
};
use ghost_cache::policy::{Coding, KeyPolicy, Languages, Parameters, QueryKey};

#[derive(Clone, Copy)]
struct Asked<'a> {
    identity: Identity<'a>,
    is_https: bool,
    host: &'a str,
    target: &'a str,
    headers: &'a [(&'a str, &'a str)],
}

const ASKED: Asked<'static> =
    Asked { identity: Identity::Rule(b"r"), is_https: false, host: "a.io", target: "/x?a=1", headers: &[] };

fn key(policy: &KeyPolicy, asked: Asked<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(policy, asked, &mut Framed(|piece: &[u8]| bytes.extend_from_slice(piece)));
    bytes
}

fn put(policy: &KeyPolicy, asked: Asked<'_>, sink: &mut impl Sink) {
    let Asked { identity, is_https, host, target, headers } = asked;
    let request = Request { is_https, host: host.as_bytes(), target: target.as_bytes(), headers };
    write(policy, identity, &request, &mut Scratch::default(), sink);
}

fn policy() -> KeyPolicy {
    KeyPolicy {
        scheme: true,
        query: QueryKey {
            parameters: Parameters::Exclude(vec!["utm_*".into()]),
            sort: true,
            drop_empty: true,
        },
        headers: vec![b"x-a".as_slice().into(), b"x-b".as_slice().into(), b"accept".as_slice().into()],
        cookies: vec!["a".into(), "b_*".into()],
        codings: vec![Coding::Brotli, Coding::Gzip],
        languages: Some(Languages { default: "en".into(), others: vec!["de".into()] }),
    }
}

#[test]
fn what_does_not_count_does_not_tell_requests_apart() {
    let table: [(&str, Asked<'_>, Asked<'_>); 17] = [
        ("port", ASKED, Asked { host: "a.io:8080", ..ASKED }),
        ("case of the host", ASKED, Asked { host: "A.io", ..ASKED }),
        ("dot of the host", ASKED, Asked { host: "a.io.", ..ASKED }),
        ("excluded parameters", ASKED, Asked { target: "/x?utm_source=y&a=1", ..ASKED }),
        ("empty parameters", ASKED, Asked { target: "/x?&a=1&", ..ASKED }),
        (
            "nothing but excluded ones",
            Asked { target: "/x", ..ASKED },
            Asked { target: "/x?utm_id=1", ..ASKED },
        ),
        ("order", Asked { target: "/?a=1&b=2", ..ASKED }, Asked { target: "/?b=2&a=1", ..ASKED }),
        ("other headers", ASKED, Asked { headers: &[("user-agent", "x"), ("x-c", "1")], ..ASKED }),
        ("other cookies", ASKED, Asked { headers: &[("Cookie", "c=1; A=2")], ..ASKED }),
        (
            "lines",
            Asked { headers: &[("X-A", "1, 2")], ..ASKED },
            Asked { headers: &[("x-a", " 1"), ("x-A", "2 ")], ..ASKED },
        ),
        (
            "space in a list",
            Asked { headers: &[("accept", "a/b,c/d")], ..ASKED },
            Asked { headers: &[("accept", "a/b , c/d")], ..ASKED },
        ),
        (
            "where a cookie is",
            Asked { headers: &[("cookie", "x=1; a=1; b_1=2")], ..ASKED },
            Asked { headers: &[("cookie", "b_1=2"), ("cookie", "a=1")], ..ASKED },
        ),
        (
            "codings that are not told apart",
            Asked { headers: &[("accept-encoding", "gzip, deflate, br")], ..ASKED },
            Asked { headers: &[("accept-encoding", "br;q=0.9")], ..ASKED },
        ),
        ("identity", ASKED, Asked { headers: &[("accept-encoding", "deflate")], ..ASKED }),
        (
            "languages that are not told apart",
            Asked { headers: &[("accept-language", "de-CH, en;q=0.5")], ..ASKED },
            Asked { headers: &[("accept-language", "fr, de;q=0.1")], ..ASKED },
        ),
        ("the default language", ASKED, Asked { headers: &[("accept-language", "fr")], ..ASKED }),
        (
            "weights that change nothing",
            Asked { headers: &[("accept-encoding", "gzip;q=0.1")], ..ASKED },
            Asked { headers: &[("accept-encoding", "x-gzip"), ("accept-encoding", "br;q=0")], ..ASKED },
        ),
    ];
    for (name, one, other) in table {
        assert_eq!(key(&policy(), one), key(&policy(), other), "{name}");
    }
}

#[test]
fn what_counts_tells_requests_apart() {
    let with = |headers: &'static [(&'static str, &'static str)]| Asked { headers, ..ASKED };
    let table: [(&str, Asked<'_>, Asked<'_>); 23] = [
        ("the rule", ASKED, Asked { identity: Identity::Rule(b"s"), ..ASKED }),
        ("a zone of the rule's name", ASKED, Asked { identity: Identity::Zone(b"r"), ..ASKED }),
        ("the scheme", ASKED, Asked { is_https: true, ..ASKED }),
        ("the host", ASKED, Asked { host: "b.io", ..ASKED }),
        ("the path", ASKED, Asked { target: "/y?a=1", ..ASKED }),
        ("its case", ASKED, Asked { target: "/X?a=1", ..ASKED }),
        ("its escapes", ASKED, Asked { target: "/%78?a=1", ..ASKED }),
        ("a slash", ASKED, Asked { target: "/x/?a=1", ..ASKED }),
        ("a value", ASKED, Asked { target: "/x?a=2", ..ASKED }),
        ("a parameter", ASKED, Asked { target: "/x?b=1", ..ASKED }),
        ("escapes in the query", ASKED, Asked { target: "/x?%61=1", ..ASKED }),
        (
            "the order of values",
            Asked { target: "/?a=1&a=2", ..ASKED },
            Asked { target: "/?a=2&a=1", ..ASKED },
        ),
        ("where the path ends", Asked { target: "/x%3Fa=1", ..ASKED }, ASKED),
        ("a header", ASKED, with(&[("x-a", "1")])),
        ("an empty header", ASKED, with(&[("x-a", "")])),
        ("which header", with(&[("x-a", "1")]), with(&[("x-b", "1")])),
        ("space that may count", with(&[("x-a", "1,2")]), with(&[("x-a", "1, 2")])),
        ("where a value ends", with(&[("x-a", "1"), ("x-b", "2")]), with(&[("x-a", "1x-b2")])),
        ("a cookie", ASKED, with(&[("cookie", "a=1")])),
        ("its value", with(&[("cookie", "a=2")]), with(&[("cookie", "a=1")])),
        ("a second one of the name", with(&[("cookie", "a=2; a=1")]), with(&[("cookie", "a=1; a=2")])),
        ("the coding", ASKED, with(&[("accept-encoding", "gzip")])),
        ("the language", ASKED, with(&[("accept-language", "de")])),
    ];
    for (name, one, other) in table {
        assert_ne!(key(&policy(), one), key(&policy(), other), "{name}");
    }
}

#[test]
fn a_zone_is_shared_and_a_rule_is_not() {
    let plain = KeyPolicy::default();
    let of = |identity| key(&plain, Asked { identity, ..ASKED });
    assert_eq!(of(Identity::Zone(b"shop")), of(Identity::Zone(b"shop")));
    assert_ne!(of(Identity::Zone(b"shop")), of(Identity::Zone(b"shop2")));
}

#[test]
fn two_policies_of_a_zone_share_only_what_both_tell_apart_alike() {
    let by = |header: &str| KeyPolicy { headers: vec![header.as_bytes().into()], ..KeyPolicy::default() };
    let headers = [("x-a", "1"), ("x-b", "1")];
    let asked = Asked { identity: Identity::Zone(b"z"), headers: &headers, ..ASKED };
    assert_ne!(key(&by("x-a"), asked), key(&by("x-b"), asked));
    assert_ne!(key(&by("x-a"), asked), key(&KeyPolicy::default(), asked));
}

#[test]
fn no_value_passes_for_the_parts_that_follow_it() {
    let bytes = |parts: &[(Part<'_>, &[u8])]| {
        let mut found = Vec::new();
        let mut sink = Framed(|piece: &[u8]| found.extend_from_slice(piece));
        parts.iter().for_each(|(part, value)| sink.part(*part, value));
        found
    };
    for second in [Part::Path, Part::Header(b"x")] {
        let forged = [b"a".to_vec(), bytes(&[(second, b"b")])].concat();
        let honest = [(Part::Host, &b"a"[..]), (second, b"b")];
        assert_ne!(bytes(&honest), bytes(&[(Part::Host, &forged)]), "{second:?}");
    }
    // nor a name for the value and the part behind it
    let behind = bytes(&[(Part::Host, b"c")]);
    let (value, frame) = behind.split_last().expect("it is not empty");
    let forged = [b"ab", frame].concat();
    let honest = [(Part::Header(b"a"), &b"b"[..]), (Part::Host, &[*value])];
    assert_ne!(bytes(&honest), bytes(&[(Part::Header(&forged), &[*value])]));
}

#[test]
fn what_was_selected_counts_in_place_of_what_the_header_says_by_now() {
    let lines = [("accept-encoding", "br"), ("accept-language", "de")];
    let asked = Asked { headers: &lines, ..ASKED };
    let selected = Selected::of(&policy(), &lines[..]);
    let mut bytes = Vec::new();
    let mut sink = Framed(|piece: &[u8]| bytes.extend_from_slice(piece));
    // Varnish has reduced Accept-Encoding in the meantime.
    let reduced = [("accept-encoding", "gzip")];
    let request = Request { is_https: false, host: b"a.io", target: b"/x?a=1", headers: &reduced[..] };
    write_selected(&policy(), asked.identity, &request, selected, &mut Scratch::default(), &mut sink);
    assert_eq!(bytes, key(&policy(), asked));
}

#[test]
fn a_key_can_be_read() {
    let headers = [("X-A", "1"), ("cookie", "a=1"), ("accept-encoding", "gzip")];
    let asked = Asked { host: "A.io:80", target: "/x?b=2&a=1&utm_x=3", headers: &headers, ..ASKED };
    let mut text = Vec::new();
    put(&policy(), asked, &mut Text(&mut text));
    assert_eq!(
        String::from_utf8(text).unwrap(),
        "rule=r scheme=http host=a.io path=/x parameter=a=1 parameter=b=2 coding=gzip language=en \
         header x-a=1 cookie=a=1"
    );
    let mut text = Vec::new();
    put(&KeyPolicy::default(), Asked { identity: Identity::Zone(b"z"), ..asked }, &mut Text(&mut text));
    assert_eq!(String::from_utf8(text).unwrap(), "zone=z host=a.io path=/x query=b=2&a=1&utm_x=3");
}

#[test]
fn queries_have_one_hash_where_they_have_one_key() {
    let hash = |policy: &QueryKey, query: Option<&str>| {
        let mut hasher = DefaultHasher::new();
        hash_query(policy, query.map(str::as_bytes), &mut Scratch::default(), &mut hasher);
        hasher.finish()
    };
    let all = QueryKey::default();
    let sorted = QueryKey { sort: true, ..QueryKey::default() };
    let table: [(&QueryKey, Option<&str>, Option<&str>, bool); 8] = [
        (&all, None, None, true),
        (&all, None, Some(""), false),
        (&all, Some("a=1&b=2"), Some("b=2&a=1"), false),
        (&sorted, Some("a=1&b=2"), Some("b=2&a=1"), true),
        (&sorted, Some("a=1&a=2"), Some("a=2&a=1"), false),
        (&policy().query, Some("utm_source=x"), None, true),
        (&policy().query, Some("utm_source=x&a=1"), Some("a=1&"), true),
        // RFC 3986 section 6.2.2.2: some origin may tell these values apart
        (&all, Some("a=%61"), Some("a=a"), false),
    ];
    for (policy, one, other, is_same) in table {
        assert_eq!(hash(policy, one) == hash(policy, other), is_same, "{one:?} and {other:?}");
    }
}
