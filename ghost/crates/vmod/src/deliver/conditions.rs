//! Conditions of requests that are answered from the cache.
//!
//! Varnish compares the first line of If-None-Match, whole, with the answer's ETag, strongly where
//! there is Range. So a list, `*` and a second line are put into the one form that it understands.
//! What it finds by itself stays as it is, for user VCL that gives answers other tags.

use ghost_cache::conditional::is_had;
use varnish::ffi;

use super::ranges::RANGE;
use crate::kept;
use crate::message::{Message, NoRoom};

const IF_NONE_MATCH: &[u8] = b"If-None-Match";
const IF_MODIFIED_SINCE: &[u8] = b"If-Modified-Since";

/// What says when a page was made, but not when its parts were, and that ranges of it can be had.
const OF_ONE_ANSWER: [&[u8]; 3] = [b"ETag", b"Last-Modified", b"Accept-Ranges"];

/// Lets Varnish answer 304 as RFC 9110 section 13.2.2 says. The conditions of a pass are kept from
/// it by now. Errors where there is no room.
///
/// # Safety
/// `req` is the running client task's, in vcl_deliver, and `resp` its answer.
pub unsafe fn simplify(req: &ffi::req, resp: &mut Message<'_>) -> Result<(), NoRoom> {
    // SAFETY: as promised.
    let Some(mut header) = (unsafe { Message::new(req.http) }) else { return Ok(()) };
    // A part of a page is no answer of its own.
    if req.esi_level > 0 {
        return Ok(());
    }
    // SAFETY: as promised: the request holds its object.
    if unsafe { is_put_together(req) } {
        resp.retain(|line| !OF_ONE_ANSWER.iter().any(|name| line.is(name)));
        let names = [IF_NONE_MATCH, IF_MODIFIED_SINCE, RANGE];
        return names.into_iter().try_for_each(|name| header.prefix(kept::PREFIX, name));
    }
    // Only a success has a condition.
    if !(200..300).contains(&resp.status()) {
        return Ok(());
    }
    let Some(first) = header.field(IF_NONE_MATCH) else {
        // A date that is there twice is none (RFC 9110 section 13.1.3).
        let is_twice = header.values(IF_MODIFIED_SINCE).nth(1).is_some();
        return if is_twice { header.prefix(kept::PREFIX, IF_MODIFIED_SINCE) } else { Ok(()) };
    };
    let etag = resp.field(b"ETag");
    if !is_had(header.values(IF_NONE_MATCH), etag) {
        return Ok(());
    }
    let has_range = header.field(RANGE).is_some();
    if resp.status() == 200 && etag.is_some_and(|etag| opaque(etag) == opaque(first)) && !has_range {
        return Ok(());
    }
    header.prefix(kept::PREFIX, IF_NONE_MATCH)?;
    header.prefix(kept::PREFIX, RANGE)?;
    match etag.filter(|_| resp.status() == 200) {
        Some(etag) => header.quietly(|header| header.add(IF_NONE_MATCH, etag)),
        None => {
            resp.set_not_modified();
            Ok(())
        }
    }
}

/// Whether Varnish puts the answer together (ESI). Nobody knows then by the page alone whether the
/// whole has changed, or which bytes of it are a range (RFC 9110 sections 8.8.3 and 13.1.2).
///
/// # Safety
/// `req` is the running client task's, with its object.
unsafe fn is_put_together(req: &ffi::req) -> bool {
    // SAFETY: as promised; a page with includes is not delivered before it is stored whole.
    req.disable_esi() == 0 && unsafe { ffi::ObjHasAttr(req.wrk, req.objcore, ffi::obj_attr_OA_ESIDATA) } != 0
}

/// What Varnish compares weakly.
fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}
