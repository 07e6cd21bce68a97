//! What Varnish would do to the answer of a pass as to one out of the cache, and does not.
//!
//! The backend has seen the conditions that the client has set, and has decided about them (RFC 9110
//! section 13.2.1).

use varnish::ffi;

use super::TRANSACTION;
use crate::kept;
use crate::message::{Line, Message, NoRoom};

/// What Varnish answers 304 by, of its own.
const CONDITIONS: [&[u8]; 2] = [b"If-None-Match", b"If-Modified-Since"];

const AGE: &[u8] = b"Age";

/// Keeps the conditions of a request from Varnish. Errors where there is no room.
///
/// # Safety
/// `req` is the running client task's, in vcl_deliver.
pub unsafe fn keep_conditions(req: &ffi::req) -> Result<(), NoRoom> {
    // SAFETY: as promised.
    CONDITIONS.into_iter().try_for_each(|name| unsafe { kept::keep(req.http, name) })
}

/// Gives fields their own names that were kept from Varnish in the fetch. Age is the backend's or none:
/// an answer that has one does not come from the origin itself (RFC 9111 section 5.1).
pub fn restore(resp: &mut Message<'_>) {
    let kept: Vec<&[u8]> = resp.fields().filter_map(|(name, _)| kept::original(name)).collect();
    let is_replaced =
        |line: Line<'_>| line.is(AGE) || !line.is(TRANSACTION) && kept.iter().any(|name| line.is(name));
    resp.retain_quietly(|line| !is_replaced(line));
    resp.strip_prefix(kept::PREFIX);
}
