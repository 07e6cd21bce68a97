//! What holds for every file and every rank.

use std::cmp::Ordering;

use ghost_config::{Rank, load};
use proptest::prelude::*;
use serde_json::{Value, json};

fn rank() -> impl Strategy<Value = Rank> {
    let numbers = || prop::collection::vec(-2..3i64, 0..3);
    (numbers(), "[ab]{0,2}", numbers()).prop_map(|(order, name, position)| Rank {
        order: order.into(),
        name: name.into(),
        position: position.into(),
    })
}

/// Texts that are now and then what the contract asks for.
fn text() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "a",
        "b",
        "x-a",
        "a.io",
        "*.a.io",
        "A.io",
        "/",
        "/a",
        "/a/",
        "/..",
        "(",
        "a+",
        "Exact",
        "PathPrefix",
        "RegularExpression",
        "HTTP",
        "HTTPS",
        "ReplaceFullPath",
        "ReplacePrefixMatch",
        "10.0.0.1",
        "::1",
        "a\r\nb",
        "http",
        "GET",
    ])
}

fn number() -> impl Strategy<Value = i32> {
    prop::sample::select(vec![-1, 0, 1, 80, 302, 65535, 65536, 1_000_000, i32::MAX])
}

fn list(element: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec(element, 0..3).prop_map(Value::from)
}

fn needs() -> impl Strategy<Value = Value> {
    prop_oneof![5 => Just(json!([])), 1 => Just(json!(["test-feature"]))]
}

fn condition() -> impl Strategy<Value = Value> {
    (text(), text(), text()).prop_map(|(t, name, value)| json!({"type": t, "name": name, "value": value}))
}

fn a_match() -> impl Strategy<Value = Value> {
    (text(), text(), text(), list(condition()), list(condition())).prop_map(
        |(t, value, method, headers, query)| {
            let path = json!({"type": t, "value": value});
            json!({"path": path, "method": method, "headers": headers, "queryParams": query, "rank": {}})
        },
    )
}

fn filter() -> impl Strategy<Value = Value> {
    let kinds =
        ["RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite", "Unknown"];
    let fields = ["requestHeaderModifier", "responseHeaderModifier", "requestRedirect", "urlRewrite"];
    let body = (text(), text(), text(), text(), number()).prop_map(|(a, b, c, d, number)| {
        let (header, path) = (json!({"name": a, "value": b}), json!({"type": c, "value": d}));
        json!({"set": [header], "add": [header], "remove": [a], "scheme": c, "hostname": b, "path": path,
               "port": number, "statusCode": number})
    });
    (prop::sample::select(kinds.to_vec()), prop::sample::select(fields.to_vec()), body)
        .prop_map(|(kind, field, body)| json!({"type": kind, field: body}))
}

fn backend() -> impl Strategy<Value = Value> {
    (text(), number(), list(filter()), text(), needs()).prop_map(|(service, weight, filters, invalid, needs)| {
        json!({"service": service, "weight": weight, "filters": filters, "invalid": invalid, "needs": needs})
    })
}

fn rule() -> impl Strategy<Value = Value> {
    (text(), list(a_match()), list(filter()), list(backend()), needs()).prop_map(
        |(id, matches, filters, backends, needs)| {
            json!({"id": id, "matches": matches, "filters": filters, "backends": backends, "needs": needs})
        },
    )
}

fn route() -> impl Strategy<Value = Value> {
    let hostnames = list(text().prop_map(Value::from));
    let attachment =
        (text(), hostnames).prop_map(|(l, hostnames)| json!({"listener": l, "hostnames": hostnames}));
    (text(), text(), text(), list(attachment), list(rule())).prop_map(|(namespace, name, uid, attachments, rules)| {
        json!({"namespace": namespace, "name": name, "uid": uid, "attachments": attachments, "rules": rules})
    })
}

fn listener() -> impl Strategy<Value = Value> {
    (text(), text(), number(), text(), text(), needs()).prop_map(
        |(name, socket, port, protocol, hostname, needs)| {
            json!({"name": name, "socket": socket, "port": port, "protocol": protocol, "hostname": hostname,
               "needs": needs})
        },
    )
}

fn service() -> impl Strategy<Value = Value> {
    let endpoint = (text(), number()).prop_map(|(address, port)| json!({"address": address, "port": port}));
    (text(), list(endpoint), needs())
        .prop_map(|(id, endpoints, needs)| json!({"id": id, "endpoints": endpoints, "needs": needs}))
}

proptest! {
    #[test]
    fn the_order_of_ranks_is_total(a in rank(), b in rank(), c in rank()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
    }

    #[test]
    fn every_well_typed_file_is_taken_and_keeping_its_records_changes_nothing(
        listeners in list(listener()), routes in list(route()), services in list(service()),
    ) {
        let file = json!({"version": "1.0.0", "listeners": listeners, "routes": routes, "services": services});
        let bytes = file.to_string().into_bytes();
        let fresh = load(&bytes, None).unwrap();
        let again = load(&bytes, Some(&fresh.config)).unwrap();
        prop_assert_eq!(&fresh.diagnostics, &again.diagnostics);
        prop_assert_eq!(format!("{:?}", fresh.config.routes), format!("{:?}", again.config.routes));
    }
}
