//! How large a request's head may be. varnishd is told to take more (chaperone's parameters), so that what is too large is
//! answered: varnishd itself would refuse it by 400, or end the connection or stream.

use crate::message::Message;

/// The most bytes of a request line with its fields, as HTTP/1.1 writes them: what other gateways take.
pub const MAX_HEAD: usize = 60 * 1024;

/// The most header fields, besides Host and the pseudo-header fields of HTTP/2. The crumbs of a cookie (RFC 9113 section
/// 8.2.3) have been joined into one field.
pub const MAX_FIELDS: usize = 100;

/// Status and reason of the refusal of a head that is too large; none for one that is not.
///
/// 414 where the target alone is (RFC 9110 section 15.5.15), 431 otherwise (RFC 6585 section 5).
pub fn exceeded(req: &Message<'_>) -> Option<(u16, &'static str)> {
    let is_http2 = req.protocol() == b"HTTP/2.0";
    let (mut count, mut size) = (0, req.method().len() + req.protocol().len() + " ".len() * 2 + "\r\n".len());
    for line in req.lines() {
        // Varnish keeps :authority as Host, and :scheme as a field of that name.
        let is_target = line.is(b"host") || is_http2 && line.is(b"scheme");
        count += usize::from(!is_target);
        size += line.size() + "\r\n".len();
    }
    verdict(req.url().len(), size, count)
}

fn verdict(target: usize, rest: usize, fields: usize) -> Option<(u16, &'static str)> {
    if target > MAX_HEAD {
        return Some((414, "the target is too long"));
    }
    if target + rest > MAX_HEAD {
        return Some((431, "the header is too large"));
    }
    (fields > MAX_FIELDS).then_some((431, "there are too many header fields"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_named() {
        let table = [
            ("an ordinary request", (1, 300, 12), None),
            ("as large as it may be", (1, MAX_HEAD - 1, 12), None),
            ("one byte more", (1, MAX_HEAD, 12), Some(431)),
            ("a long target in a small header", (40_000, 300, 12), None),
            ("a target that is too long by itself", (MAX_HEAD + 1, 300, 12), Some(414)),
            ("as many fields as there may be", (1, 5000, MAX_FIELDS), None),
            ("one field more", (1, 5000, MAX_FIELDS + 1), Some(431)),
        ];
        for (what, (target, rest, fields), expected) in table {
            assert_eq!(verdict(target, rest, fields).map(|(status, _)| status), expected, "{what}");
        }
    }
}
