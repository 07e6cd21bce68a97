//! What Varnish would do to the answer of a pass as to one out of the cache, and does not.
//!
//! The backend has seen the conditions that the client has set, and has decided about them (RFC
//! 9110 section 13.2.1).

use varnish::ffi;

use crate::fetch;
use crate::message::{Line, Message, NoRoom};

/// What Varnish answers 304 by, of its own.
const CONDITIONS: [&[u8]; 2] = [b"If-None-Match", b"If-Modified-Since"];

const AGE: &[u8] = b"Age";

/// Takes the conditions out of a request that the backend has decided about, and returns them.
///
/// # Safety
/// `req` is the running client task's, in vcl_deliver.
pub unsafe fn take_conditions(req: &ffi::req) -> Vec<Vec<u8>> {
    let mut taken = Vec::new();
    // SAFETY: as promised.
    if let Some(mut request) = unsafe { Message::new(req.http) } {
        let is_condition = |line: Line<'_>| CONDITIONS.iter().any(|name| line.is(name));
        request.retain_quietly(|line| {
            let is_taken = is_condition(line);
            if is_taken {
                taken.push(line.bytes().to_vec());
            }
            !is_taken
        });
    }
    taken
}

/// Gives a request that begins anew its conditions back. Errors where there is no room for them.
pub fn give_conditions(req: &mut Message<'_>, taken: Vec<Vec<u8>>) -> Result<(), NoRoom> {
    req.quietly(|req| taken.into_iter().try_for_each(|line| req.add_bytes(&line)))
}

/// Gives fields their own names that were kept from Varnish in the fetch. Age is the backend's or
/// none: an answer that has one does not come from the origin itself (RFC 9111 section 5.1).
pub fn restore(resp: &mut Message<'_>) -> Result<(), NoRoom> {
    let mut kept: Vec<(&[u8], &[u8])> = Vec::new();
    for (name, value) in resp.fields() {
        kept.extend(fetch::original(name).map(|name| (name, value)));
    }
    let is_replaced = |line: Line<'_>| line.is(AGE) || kept.iter().any(|(name, _)| line.is(name));
    resp.retain_quietly(|line| !is_replaced(line) && fetch::original(line.bytes()).is_none());
    kept.into_iter().try_for_each(|(name, value)| resp.add(name, value))
}
