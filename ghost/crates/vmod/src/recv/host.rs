//! Requests that name no host.

use std::net::{IpAddr, SocketAddr};
use std::slice;

use varnish::ffi::{self, vrt_ctx, VCL_IP};

use super::absolute;
use crate::message::{Message, NoRoom};

/// Names the host of a request of HTTP/1.0 that has no Host header: the address that it was sent to (RFC 9112
/// section 3.3). Later versions must name one.
///
/// # Safety
/// `ctx` is the running client task's, and `req` a request of it.
pub unsafe fn complete(ctx: &vrt_ctx, req: &mut Message<'_>) -> Result<(), NoRoom> {
    if req.version() != 10 || req.field(b"host").is_some() {
        return Ok(());
    }
    // SAFETY: as promised.
    let address: Option<SocketAddr> = unsafe { VRT_r_server_ip(ctx) }.into();
    let host = match address.map(|address| address.ip().to_canonical()) {
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => format!("[{ip}]"),
        None => return Ok(()),
    };
    req.set(b"Host", host.as_bytes())
}

/// Whether a request of HTTP/1.1 came without Host header, for which there is 400 whatever its target says (RFC
/// 9112 section 3.2). Varnish makes a Host of a target in absolute form before VCL sees it, so this looks at what
/// was received.
///
/// # Safety
/// `ctx` is the running client task's, and `pristine` its `http0`.
pub unsafe fn is_missing(ctx: &vrt_ctx, pristine: &Message<'_>) -> bool {
    if pristine.version() != 11 {
        return false;
    }
    if pristine.field(b"host").is_none() {
        return true;
    }
    // SAFETY: as promised; what was received stays in the workspace below what any rollback frees.
    unsafe { received(&*(*ctx.req).htc) }.is_some_and(|head| !has_host(head))
}

/// The head as it was received, if it was of HTTP/1; Varnish writes NULs over the ends of its parts.
unsafe fn received<'a>(htc: &ffi::http_conn) -> Option<&'a [u8]> {
    let (begin, end) = (htc.rxbuf_b.cast::<u8>(), htc.rxbuf_e.cast::<u8>());
    if begin.is_null() || end <= begin {
        return None;
    }
    // SAFETY: Varnish keeps the ends of one buffer there.
    Some(unsafe { slice::from_raw_parts(begin, end.offset_from_unsigned(begin)) })
}

/// Whether a head in absolute form has a Host line; true for other targets, as Varnish leaves their Host alone.
fn has_host(head: &[u8]) -> bool {
    let head = head.trim_ascii_start();
    let Some(blank) = head.iter().position(|byte| is_blank(*byte)) else { return true };
    let target =
        head[blank..].iter().position(|byte| !is_blank(*byte)).map_or(&b""[..], |at| &head[blank + at..]);
    // What lies behind the empty line is body, or the next request.
    let mut lines = target.split(|byte| *byte == b'\n').skip(1).take_while(|line| !is_empty_line(line));
    absolute::split(target).is_none() || lines.any(is_host_line)
}

/// A blank, or what Varnish writes over it.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0)
}

fn is_empty_line(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b'\r' | 0))
}

fn is_host_line(line: &[u8]) -> bool {
    line.get(..5).is_some_and(|name| name.eq_ignore_ascii_case(b"host:"))
}

extern "C" {
    // What `server.ip` reads in VCL; exported by varnishd, but in no header that varnish-sys binds.
    fn VRT_r_server_ip(ctx: *const vrt_ctx) -> VCL_IP;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_line_is_asked_of_absolute_targets_alone() {
        let table = [
            ("GET\0http://a.io/\0HTTP/1.1\0\nHost: a.io\0\n\r\n", true),
            ("GET\0http://a.io/\0HTTP/1.1\0\nX: y\0\nHOST:a.io\0\n\r\n", true),
            ("\r\nGET\0 \thttp://a.io/\0HTTP/1.1\0\n\r\n", false),
            ("GET\0http://a.io/\0HTTP/1.1\0\n\r\n", false),
            ("GET\0HTTP://a.io/host:\0HTTP/1.1\0\nHosts: a\0\nX-Host: a\0\n\r\n", false),
            ("POST\0http://a.io/\0HTTP/1.1\0\nX: y\0\n\r\nHost: a.io\r\n", false),
            ("GET\0/http://a.io\0HTTP/1.1\0\n\r\n", true),
            ("GET\0/\0HTTP/1.1\0\n\r\n", true),
            ("", true),
        ];
        for (head, expected) in table {
            assert_eq!(has_host(head.as_bytes()), expected, "{head:?}");
        }
    }
}
