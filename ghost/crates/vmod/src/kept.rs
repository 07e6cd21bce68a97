//! Fields that are kept from Varnish under another name, so that it does not act on them.
//!
//! No client and no backend can say them: ghost removes what they send under such names.

use std::ffi::CStr;

use varnish::ffi;

use crate::message::{Message, NoRoom};

/// What begins the name of a field that is kept; the rest is its own name.
pub const PREFIX: &[u8] = b"X-Gateway-Passed-";

/// What Accept-Encoding is kept as.
pub const ACCEPT_ENCODING: &[u8] = b"X-Gateway-Passed-Accept-Encoding";

/// What Content-Range is kept as.
pub const CONTENT_RANGE: &[u8] = b"X-Gateway-Passed-Content-Range";

/// What If-None-Match is kept as.
const IF_NONE_MATCH: &[u8] = b"X-Gateway-Passed-If-None-Match";

/// What Range is kept as.
const RANGE: &[u8] = b"X-Gateway-Passed-Range";

/// What begins the name of a field that goes to the client whose request was fetched for, and to nobody else
/// (RFC 9111 sections 5.2.2.4 and 5.2.2.7); the rest is its own name.
pub const ONCE: &[u8] = b"X-Gateway-Passed-Once-";

/// Marks a request for a part of a page (ESI). No backend sees it.
pub const PART: &CStr = c"X-Gateway-Part: esi";

/// The name of the field that marks it.
pub const PART_NAME: &[u8] = b"X-Gateway-Part";

/// The name that a field had before it was kept; none where it was not.
pub fn original(name: &[u8]) -> Option<&[u8]> {
    name.get(..PREFIX.len()).filter(|start| start.eq_ignore_ascii_case(PREFIX))?;
    Some(&name[PREFIX.len()..])
}

/// Keeps the fields of this name. Errors where there is no room.
///
/// # Safety
/// `message` is null or the running task's.
pub unsafe fn keep(message: *mut ffi::http, name: &[u8]) -> Result<(), NoRoom> {
    // SAFETY: as promised.
    match unsafe { Message::new(message) } {
        Some(mut message) => message.prefix(PREFIX, name),
        None => Ok(()),
    }
}

/// Gives kept fields their own names again. What stands there in the place of conditions and ranges goes.
///
/// # Safety
/// As for [`keep`].
pub unsafe fn restore(message: *mut ffi::http) {
    // SAFETY: as promised.
    if let Some(mut message) = unsafe { Message::new(message) } {
        // Varnish has put its own in the place of one that was kept for a fetch into the cache.
        if message.field(b"accept-encoding").is_some() {
            message.retain_quietly(|line| !line.is(ACCEPT_ENCODING));
        }
        for name in [IF_NONE_MATCH, RANGE] {
            if message.field(name).is_some() {
                message.retain_quietly(|line| !line.is(&name[PREFIX.len()..]));
            }
        }
        message.strip_prefix(PREFIX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_name_has_its_original_behind_the_prefix() {
        let table: [(&str, Option<&str>); 5] = [
            ("X-Gateway-Passed-Range", Some("Range")),
            ("x-gateway-passed-content-range", Some("content-range")),
            ("X-Gateway-Passed", None),
            ("Range", None),
            ("", None),
        ];
        for (name, expected) in table {
            assert_eq!(original(name.as_bytes()), expected.map(str::as_bytes), "{name}");
        }
    }
}
