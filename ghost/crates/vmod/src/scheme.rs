//! The scheme by which a client asks.

use varnish::ffi::vrt_ctx;

use crate::message::Message;
use crate::socket;

/// Whether it is https, as the gateway tells backends: X-Forwarded-Proto has what a trusted hop says,
/// else what the listener is. Where user VCL has removed that, the listener counts.
///
/// # Safety
/// `ctx` is the running client task's.
pub unsafe fn is_https(ctx: &vrt_ctx, req: &Message<'_>) -> bool {
    match req.field(b"x-forwarded-proto") {
        Some(value) => says_https(value),
        // SAFETY: as promised.
        None => is_socket_of_https(unsafe { socket::name(ctx) }),
    }
}

/// Whether a socket is one of HTTPS listeners.
pub fn is_socket_of_https(socket: &[u8]) -> bool {
    socket.starts_with(b"https-")
}

/// Whether X-Forwarded-Proto says https. Of the schemes of several hops the first is the client's.
fn says_https(value: &[u8]) -> bool {
    let first = value.split(|byte| *byte == b',').next().unwrap_or_default();
    first.trim_ascii().eq_ignore_ascii_case(b"https")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hop_says_the_clients_scheme() {
        // RFC 3986 section 3.1: case does not matter
        let table = [
            ("https", true),
            ("HTTPS", true),
            ("http", false),
            ("https, http", true),
            ("http, https", false),
            (" https ", true),
            ("httpss", false),
            ("", false),
            (", https", false),
        ];
        for (value, want) in table {
            assert_eq!(says_https(value.as_bytes()), want, "{value:?}");
        }
    }
}
