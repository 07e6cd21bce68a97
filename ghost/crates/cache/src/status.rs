//! What a cache knows of status codes.

/// Whether a response with this status may be kept although nothing says for how long (RFC 9110
/// section 15.1). 206 is among them, but this cache stores no parts.
pub fn is_heuristically_cacheable(status: u16) -> bool {
    matches!(status, 200 | 203 | 204 | 206 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

/// Whether the status is one that this cache knows the meaning of, which `must-understand` asks for
/// (RFC 9111 section 5.2.2.3): those of RFC 9110 section 15, without those that are about a part or
/// a condition.
pub fn is_understood(status: u16) -> bool {
    matches!(status, 200..=205 | 300..=303 | 305 | 307 | 308 | 400..=411 | 413..=415 | 417 | 421 | 422 | 426)
        || matches!(status, 500..=505)
}

/// Whether the status is one that no cache may store (RFC 6585 sections 3 to 6): the answer is
/// about this request or this client alone.
pub fn is_never_stored(status: u16) -> bool {
    matches!(status, 428 | 429 | 431 | 511)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_statuses_are_kept_without_being_asked_to() {
        for status in [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501] {
            assert!(is_heuristically_cacheable(status) && is_understood(status), "{status}");
        }
        for status in [201, 202, 302, 303, 307, 400, 403, 418, 500, 502, 503, 504, 599] {
            assert!(!is_heuristically_cacheable(status), "{status}");
        }
    }

    #[test]
    fn the_statuses_of_rfc_9110_are_understood() {
        for status in [200, 302, 307, 403, 429, 451, 500, 503, 299, 499, 599, 206, 304, 412, 416, 101] {
            let want = matches!(status, 200 | 302 | 307 | 403 | 500 | 503);
            assert_eq!(is_understood(status), want, "{status}");
        }
    }

    #[test]
    fn some_statuses_are_about_one_request_alone() {
        // RFC 6585 sections 3 to 6
        for status in 400..600 {
            assert_eq!(is_never_stored(status), [428, 429, 431, 511].contains(&status), "{status}");
        }
    }
}
