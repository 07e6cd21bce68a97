//! Range of requests that are answered from the cache.
//!
//! Varnish answers 416 to all that it does not understand, and a part to HEAD. What need not be heeded is kept from it.

use ghost_cache::etag::EntityTag;
use ghost_cache::range::{self, Heeded};
use varnish::ffi;

use crate::cache;
use crate::kept;
use crate::message::{Message, NoRoom};

pub(super) const RANGE: &[u8] = b"Range";

/// Lets Varnish see of Range what is heeded. Errors where there is no room.
///
/// # Safety
/// `req` is the running client task's, in vcl_deliver.
pub unsafe fn simplify(req: &ffi::req, resp: &Message<'_>) -> Result<(), NoRoom> {
    // SAFETY: as promised.
    let (header, received) = unsafe { (Message::new(req.http), Message::new(req.http0)) };
    let (Some(mut header), Some(received)) = (header, received) else { return Ok(()) };
    if header.field(RANGE).is_none() {
        return Ok(());
    }
    let heeded = match range::heeded(received.method(), header.values(RANGE)) {
        _ if !can_hold(&header, resp) => Heeded::Nothing,
        heeded => heeded,
    };
    match heeded {
        Heeded::Part => Ok(()),
        Heeded::Nothing => header.prefix(kept::PREFIX, RANGE),
        Heeded::From(first) => {
            header.prefix(kept::PREFIX, RANGE)?;
            header.quietly(|header| header.add(RANGE, format!("bytes={first}-").as_bytes()))
        }
    }
}

/// Whether If-Range may be true. Varnish compares the tag or the date.
fn can_hold(header: &Message<'_>, resp: &Message<'_>) -> bool {
    let Some(condition) = header.field(b"If-Range") else { return true };
    let [last_modified, date] =
        [&b"Last-Modified"[..], b"Date"].map(|name| resp.field(name).unwrap_or_default());
    EntityTag::parse(condition).is_some() || range::is_strong(last_modified, date, cache::whole(cache::now()))
}
