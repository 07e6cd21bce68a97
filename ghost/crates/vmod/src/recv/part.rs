//! Requests for parts of a page (ESI).

use ghost_cache::key::normalise_host;
use varnish::ffi::vrt_ctx;

use crate::message::Message;

/// What a visitor tells the host of the page, and no other.
const CREDENTIALS: [&[u8]; 3] = [b"Cookie", b"Authorization", b"Proxy-Authorization"];

/// Takes from the request for a part of another host's what the visitor has told the page's alone.
/// Varnish makes it of the page's own request. What that part includes in turn is asked for without
/// it as well, whatever its host.
///
/// # Safety
/// `ctx` is the running client task's, of a part; `req` is its request, and `pristine` its `http0`.
pub unsafe fn keep_credentials(ctx: &vrt_ctx, req: &mut Message<'_>, pristine: &mut Message<'_>) {
    // SAFETY: as promised; the page's request waits for its parts, in this thread.
    let page = unsafe {
        let top = (*ctx.req).top.as_ref();
        top.and_then(|top| top.topreq.as_ref()).and_then(|page| Message::new(page.http0))
    };
    let host = page.and_then(|page| page.field(b"host")).unwrap_or_default();
    if is_same_host(host, pristine.field(b"host").unwrap_or_default()) {
        return;
    }
    req.retain(|line| !CREDENTIALS.iter().any(|name| line.is(name)));
    pristine.retain_quietly(|line| !CREDENTIALS.iter().any(|name| line.is(name)));
}

/// Whether two Host headers are routed alike: the port counts for nothing.
fn is_same_host(one: &[u8], other: &[u8]) -> bool {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    normalise_host(one, &mut left) == normalise_host(other, &mut right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_the_same_whatever_their_spelling() {
        // RFC 9110 section 4.2.3; cookies know no ports (RFC 6265 section 8.5)
        let table = [
            ("a.example", "a.example", true),
            ("a.example", "A.Example:8080", true),
            ("a.example", "a.example.", true),
            ("a.example", "b.example", false),
            ("a.example", "www.a.example", false),
            ("a.example", "", false),
        ];
        for (page, part, want) in table {
            assert_eq!(is_same_host(page.as_bytes(), part.as_bytes()), want, "{page} {part}");
        }
    }
}
