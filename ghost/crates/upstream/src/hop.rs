//! Which header fields end at this hop (RFC 9110 section 7.6.1), in either direction.

/// Fields that concern one connection only, whether or not Connection lists them. Proxy-Authenticate
/// and Proxy-Authorization concern a proxy that asks for them, which a gateway is not; Trailer announces
/// what is dropped.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Fields that Connection cannot take away: a client could use it to hide from a backend what the gateway
/// itself says, and "a sender MUST NOT send a connection option corresponding to a field that is
/// intended for all recipients" (RFC 9110 section 7.6.1).
const END_TO_END: [&str; 5] = ["authorization", "cache-control", "content-length", "host", "via"];
const END_TO_END_PREFIXES: [&str; 2] = ["x-forwarded-", "x-gateway-"];

/// The options that the Connection fields of one message list.
#[derive(Debug, Default, Clone)]
pub struct ConnectionOptions<'a> {
    /// Those that can name a field: all but "close" and "keep-alive", so nearly always none.
    fields: Vec<&'a [u8]>,
    close: bool,
    keep_alive: bool,
}

impl<'a> ConnectionOptions<'a> {
    /// The options of a message with these header fields.
    pub fn of<H>(headers: H) -> Self
    where
        H: IntoIterator<Item = (&'a [u8], &'a [u8])>,
    {
        let mut options = Self::default();
        for (name, value) in headers {
            if name.eq_ignore_ascii_case(b"connection") {
                options.add(value);
            }
        }
        options
    }

    /// Adds the options of one Connection field.
    pub fn add(&mut self, value: &'a [u8]) {
        for option in value.split(|&b| b == b',').map(<[u8]>::trim_ascii) {
            if option.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else if !option.is_empty() {
                self.fields.push(option);
            }
        }
    }

    /// Whether the sender closes the connection after this message.
    pub fn close(&self) -> bool {
        self.close
    }

    /// Whether an HTTP/1.0 sender keeps the connection open after this message.
    pub fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    fn list(&self, name: &[u8]) -> bool {
        self.fields.iter().any(|option| option.eq_ignore_ascii_case(name))
    }
}

/// Whether a field of this name must not be passed on, in a message with these connection options.
pub fn is_hop_by_hop(name: &[u8], options: &ConnectionOptions<'_>) -> bool {
    is_always_hop_by_hop(name) || (options.list(name) && !is_protected(name))
}

pub(crate) fn is_always_hop_by_hop(name: &[u8]) -> bool {
    HOP_BY_HOP.iter().any(|hop| name.eq_ignore_ascii_case(hop.as_bytes()))
}

fn is_protected(name: &[u8]) -> bool {
    let starts_with = |prefix: &str| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    END_TO_END.iter().any(|own| name.eq_ignore_ascii_case(own.as_bytes()))
        || END_TO_END_PREFIXES.into_iter().any(starts_with)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options<'a>(values: &[&'a str]) -> ConnectionOptions<'a> {
        ConnectionOptions::of(values.iter().map(|value| (b"Connection".as_slice(), value.as_bytes())))
    }

    #[test]
    fn fields_of_one_hop_are_told_from_fields_of_the_message() {
        let table: [(&str, &[&str], bool); 12] = [
            ("Connection", &[], true),
            ("transfer-ENCODING", &[], true),
            ("Upgrade", &[], true),
            ("Trailer", &[], true),
            ("Accept", &[], false),
            ("X-Hop", &["close, x-hop"], true),
            ("X-Hop", &["keep-alive", " X-HOP ,"], true),
            ("X-Hopper", &["x-hop"], false),
            ("Host", &["host"], false),
            ("X-Forwarded-For", &["x-forwarded-for"], false),
            ("X-Gateway-Route", &["X-Gateway-Route"], false),
            ("Content-Length", &["content-length"], false),
        ];
        for (name, connection, want) in table {
            let got = is_hop_by_hop(name.as_bytes(), &options(connection));
            assert_eq!(got, want, "{name} with Connection: {connection:?}");
        }
    }

    #[test]
    fn close_and_keep_alive_are_options_in_any_case_and_place() {
        let both = options(&["X-A, Close", "KEEP-ALIVE"]);
        assert!(both.close() && both.keep_alive());
        let neither = options(&["closed", "x-close"]);
        assert!(!neither.close() && !neither.keep_alive());
    }
}
