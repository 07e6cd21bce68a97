//! ghost.json as it is written: the Go packages `shared/ghostconf` and `shared/routing` own these shapes.
//!
//! Reading is lenient where Go's encoder is free: `null` stands for the empty value, and fields that this
//! build does not know are ignored. Enumerations stay text, so that an unknown one breaks its record only;
//! a field of the wrong JSON type is another matter: then the file is none of this contract.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The whole file; its tables are left as text, to be read record by record.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct File<'a> {
    pub version: String,
    #[serde(default, deserialize_with = "nullable")]
    pub sequence: i64,
    #[serde(default, deserialize_with = "nullable")]
    pub routing_sequence: i64,
    #[serde(default, deserialize_with = "nullable")]
    pub trusted_hops: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub x_varnish: bool,
    #[serde(default, deserialize_with = "nullable")]
    pub listeners: Vec<Listener>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub routes: Vec<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub services: Vec<&'a RawValue>,
}

/// The version alone, for files whose shape a newer major may have changed.
#[derive(Deserialize)]
pub(crate) struct Head {
    pub version: String,
}

macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name {
            $(#[serde(default, deserialize_with = "nullable")] pub $field: $type,)*
        }
    };
}

record!(Listener {
    name: String, socket: String, port: i32, protocol: String, hostname: String, needs: Vec<String>,
});
record!(Route {
    namespace: String, name: String, uid: String, attachments: Vec<Attachment>, rules: Vec<Rule>,
});
record!(Attachment { listener: String, hostnames: Vec<String> });
record!(Rule {
    id: String, matches: Vec<Match>, filters: Vec<Filter>, backends: Vec<Backend>, invalid: String,
    needs: Vec<String>,
});
record!(Match {
    path: PathMatch, method: String, headers: Vec<ValueMatch>, query_params: Vec<ValueMatch>, rank: Rank,
});
record!(
    #[derive(Default)]
    PathMatch { r#type: String, value: String }
);
record!(ValueMatch { r#type: String, name: String, value: String });
record!(#[derive(Default)] Rank { order: Vec<i64>, name: String, position: Vec<i64> });
record!(Filter {
    r#type: String, request_header_modifier: Option<HeaderModifier>,
    response_header_modifier: Option<HeaderModifier>, request_redirect: Option<RequestRedirect>,
    url_rewrite: Option<UrlRewrite>,
});
record!(HeaderModifier { set: Vec<Header>, add: Vec<Header>, remove: Vec<String> });
record!(Header { name: String, value: String });
record!(RequestRedirect {
    scheme: String, hostname: String, path: Option<PathModifier>, port: i32, status_code: i64,
});
record!(UrlRewrite { hostname: String, path: Option<PathModifier> });
record!(PathModifier { r#type: String, value: String });
record!(Backend {
    service: String, weight: i32, filters: Vec<Filter>, invalid: String, needs: Vec<String>,
});
record!(Service { id: String, endpoints: Vec<Endpoint>, needs: Vec<String> });
record!(Endpoint { address: String, port: i32 });

/// Go writes `null` for what is empty.
fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
