//! Orders to invalidate objects, as chaperone writes them: the Go type `ghostconf.Invalidation` has this shape.

use ghost_config::path;
use ghost_invalidation::{Invalidation, Subject};
use serde::{Deserialize, Serialize};

/// The body of `POST /.varnish-ghost/invalidate`.
#[derive(Deserialize)]
struct Orders {
    invalidations: Vec<Order>,
}

/// One order. Exactly one subject is set.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Order {
    namespace: String,
    soft: bool,
    host: Option<String>,
    /// With `host`: a URL's path.
    path: Option<String>,
    /// With `path`: the query, without its question mark.
    query: Option<String>,
    /// With `host`: how the path begins.
    prefix: Option<String>,
    tag: Option<String>,
    route: Option<String>,
    policy: Option<String>,
    all: bool,
}

/// The answer: the generation from which on objects are right.
#[derive(Serialize)]
pub struct Done {
    /// How many invalidations there have been.
    pub generation: u64,
}

/// Reads the orders. Errors where any of them cannot be carried out; none is then.
pub fn read(body: &[u8]) -> Result<Vec<Invalidation>, String> {
    let orders: Orders = serde_json::from_slice(body).map_err(|err| err.to_string())?;
    let read = |(index, order)| invalidation(order).map_err(|err| format!("invalidations[{index}]: {err}"));
    orders.invalidations.into_iter().enumerate().map(read).collect()
}

fn invalidation(order: Order) -> Result<Invalidation, String> {
    if order.namespace.is_empty() {
        return Err("there is no namespace".into());
    }
    let namespace = order.namespace.clone().into();
    let soft = order.soft;
    Ok(Invalidation { namespace, subject: subject(order)?, soft, by_request: false })
}

fn subject(order: Order) -> Result<Subject, String> {
    let host = order.host.map(|host| host.to_ascii_lowercase().into_bytes().into_boxed_slice());
    match (host, order.path, order.prefix, order.tag, order.route, order.policy, order.all) {
        (Some(host), Some(path), None, None, None, None, false) => {
            let query = order.query.map(|query| query.into_bytes().into_boxed_slice());
            Ok(Subject::Url { host, path: normal(&path)?, query })
        }
        (Some(host), None, Some(prefix), None, None, None, false) => {
            Ok(Subject::Prefix { host, prefix: normal(&prefix)? })
        }
        (Some(host), None, None, None, None, None, false) => Ok(Subject::Host(host)),
        (None, None, None, Some(tag), None, None, false) if !tag.is_empty() => {
            Ok(Subject::Tag(tag.into_bytes().into()))
        }
        (None, None, None, None, Some(route), None, false) => Ok(Subject::Route(route.into())),
        (None, None, None, None, None, Some(policy), false) => Ok(Subject::Policy(policy.into())),
        (None, None, None, None, None, None, true) => Ok(Subject::All),
        _ => Err(
            "exactly one of host (alone, with path, or with prefix), tag, route, policy and all says what is invalidated"
                .into(),
        ),
    }
}

/// A path in the form in which requests are compared with it.
fn normal(path: &str) -> Result<Box<[u8]>, String> {
    if !path.starts_with('/') || path.contains(['?', '#']) {
        return Err(format!("{path:?} is no path, which begins with a slash and has no query"));
    }
    let mut buffer = Vec::new();
    match path::normalise(path.as_bytes(), &mut buffer) {
        Ok(normal) => Ok(normal.into()),
        Err(_) => Err(format!("the path {path:?} climbs above the root")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(order: &str) -> Result<Invalidation, String> {
        let body = format!("{{\"invalidations\":[{order}]}}");
        read(body.as_bytes()).map(|mut orders| orders.remove(0))
    }

    #[test]
    fn an_order_names_one_subject() {
        let bytes = |text: &str| text.as_bytes().into();
        let table = [
            (r#""tag":"a b""#, Subject::Tag(bytes("a b"))),
            (r#""route":"web""#, Subject::Route("web".into())),
            (r#""policy":"images""#, Subject::Policy("images".into())),
            (r#""all":true"#, Subject::All),
            (r#""host":"A.io""#, Subject::Host(bytes("a.io"))),
            (
                r#""host":"a.io","prefix":"/img/""#,
                Subject::Prefix { host: bytes("a.io"), prefix: bytes("/img/") },
            ),
            (
                r#""host":"a.io","path":"/%61/./b""#,
                Subject::Url { host: bytes("a.io"), path: bytes("/a/b"), query: None },
            ),
            (
                r#""host":"a.io","path":"/","query":"x=1""#,
                Subject::Url { host: bytes("a.io"), path: bytes("/"), query: Some(bytes("x=1")) },
            ),
        ];
        for (text, subject) in table {
            let found = one(&format!("{{\"namespace\":\"shop\",\"soft\":true,{text}}}"));
            assert_eq!(
                found,
                Ok(Invalidation { namespace: "shop".into(), subject, soft: true, by_request: false }),
                "{text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_carried_out_is_refused() {
        for (text, expected) in [
            (r#"{"tag":"a"}"#, "invalidations[0]: there is no namespace"),
            (r#"{"namespace":"shop"}"#, "exactly one of"),
            (r#"{"namespace":"shop","tag":""}"#, "exactly one of"),
            (r#"{"namespace":"shop","tag":"a","all":true}"#, "exactly one of"),
            (r#"{"namespace":"shop","path":"/a"}"#, "exactly one of"),
            (r#"{"namespace":"shop","host":"a","prefix":"a"}"#, "is no path"),
            (r#"{"namespace":"shop","host":"a","prefix":"/a?x"}"#, "is no path"),
            (r#"{"namespace":"shop","host":"a","path":"a"}"#, "is no path"),
            (r#"{"namespace":"shop","host":"a","path":"/../a"}"#, "climbs above the root"),
            (r#"{"namespace":1}"#, "invalid type"),
        ] {
            let error = one(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
