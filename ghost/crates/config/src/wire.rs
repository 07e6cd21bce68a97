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
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub cache_policies: Vec<&'a RawValue>,
}

/// The version alone, for files whose shape a newer major may have changed.
#[derive(Deserialize)]
pub(crate) struct Head {
    pub version: String,
}

macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($(#[$serde:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name {
            $($(#[$serde])* #[serde(default, deserialize_with = "nullable")] pub $field: $type,)*
        }
    };
}

record!(Listener {
    name: String, socket: String, port: i32, protocol: String, hostname: String, needs: Vec<String>,
});
record!(Route {
    namespace: String, name: String, uid: String, attachments: Vec<Attachment>, rules: Vec<Rule>,
});
record!(Attachment { listener: String, hostnames: Vec<String>, cache_policies: Vec<String> });
record!(Rule {
    id: String, matches: Vec<Match>, filters: Vec<Filter>, backends: Vec<Backend>, cache_policy: String,
    invalid: String, needs: Vec<String>,
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

record!(CachePolicy {
    id: String, policies: Vec<String>, zone: String, freshness: CacheFreshness, key: CacheKey,
    bypass: CacheBypass, storage: CacheStorage, client: CacheClient, needs: Vec<String>,
});
record!(
    #[derive(Default)]
    CacheFreshness {
        #[serde(rename = "defaultTTL")]
        default_ttl: Option<i64>,
        #[serde(rename = "minTTL")]
        min_ttl: Option<i64>,
        #[serde(rename = "maxTTL")]
        max_ttl: Option<i64>,
        heuristic_percent: Option<i32>,
        heuristic_max: Option<i64>,
        by_status: Vec<StatusTtl>,
        stale_while_revalidate: StaleWindow,
        stale_if_error: StaleWindow,
        keep: Option<i64>,
        targeted_fields: Vec<String>,
    }
);
record!(StatusTtl { status: String, ttl: i64, mode: String });
record!(
    #[derive(Default)]
    StaleWindow { default: i64, max: Option<i64>, r#override: Option<i64> }
);
record!(
    #[derive(Default)]
    CacheKey {
        query_mode: String,
        query_names: Vec<String>,
        sort_query: bool,
        headers: Vec<String>,
        cookies: Vec<String>,
        encodings: Vec<String>,
        languages: Vec<String>,
        scheme: bool,
    }
);
record!(
    #[derive(Default)]
    CacheBypass { cookies: Vec<String>, headers: Vec<BypassHeader> }
);
record!(BypassHeader { name: String, value: Option<String> });
record!(
    #[derive(Default)]
    CacheStorage {
        set_cookie: String,
        authorization: String,
        max_size: Option<i64>,
        compress: bool,
        esi: bool,
        tags_header: String,
        #[serde(rename = "hitForMissTTL")]
        hit_for_miss_ttl: Option<i64>,
    }
);
record!(
    #[derive(Default)]
    CacheClient {
        cache_control: Option<ClientCacheControl>,
        hide_status: bool,
        status_key: bool,
        honor_request: bool,
    }
);
record!(ClientCacheControl { max_age: Option<i64>, directives: String });

/// Go writes `null` for what is empty.
fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
