//! X-Forwarded-*, and what else a client says of where its request came from.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ghost_config::Scheme;
use ghost_route::forwarded::{Origin, CLAIMS};
use varnish::ffi::{vrt_ctx, VCL_IP};

use super::is_own;
use crate::message::{Line, Message, NoRoom};
use crate::scheme::is_socket_of_https;
use crate::scratch;
use crate::snapshot::Snapshot;

/// The fields that the gateway writes.
const FORWARDED: [&[u8]; 3] = [b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Host"];

/// Sets X-Forwarded-*, from what the client sent and not from what Varnish has added to it. What the client says is
/// removed first, and `mark` is called, before the first field that may find no room.
pub fn forward(
    pristine: &mut Message<'_>,
    snapshot: &Snapshot,
    socket: &[u8],
    peer: IpAddr,
    mark: impl FnOnce(&mut Message<'_>) -> Result<(), NoRoom>,
) -> Result<(), NoRoom> {
    let trusted = &snapshot.config().trusted_hops;
    let scheme = if is_socket_of_https(socket) { Scheme::Https } else { Scheme::Http };
    let host = pristine.field(b"host").unwrap_or_default();
    scratch::with(|buffers| {
        let forwarded = &mut buffers.forwarded;
        forwarded.fill(trusted, &Origin { peer, scheme, host }, &*pristine);
        let is_trusted = trusted.contains(peer);
        let is_dropped = |line| is_own(line) || is_forwarded(line) || !is_trusted && is_claim(line);
        pristine.retain_quietly(|line| !is_dropped(line));
        mark(pristine)?;
        for (name, value) in FORWARDED.into_iter().zip([&forwarded.chain, &forwarded.proto, &forwarded.host])
        {
            pristine.add(name, value)?;
        }
        Ok(())
    })
}

/// Whether all that [`forward`] sets is there.
pub fn is_whole(pristine: &Message<'_>) -> bool {
    FORWARDED.iter().all(|name| pristine.field(name).is_some())
}

fn is_forwarded(line: Line<'_>) -> bool {
    FORWARDED.iter().any(|own| line.is(own))
}

fn is_claim(line: Line<'_>) -> bool {
    CLAIMS.iter().any(|claim| line.is(claim))
}

/// Takes out of a request what only the gateway says, and gives it what the pristine one says of where it came from. What
/// is the same in both stays.
pub fn copy(req: &mut Message<'_>, pristine: &Message<'_>) -> Result<(), NoRoom> {
    let mut kept = [false; FORWARDED.len()];
    req.retain(|line| {
        if is_own(line) {
            return false;
        }
        for (name, kept) in FORWARDED.iter().zip(&mut kept) {
            if let Some(value) = line.value_of(name) {
                let is_kept = !*kept && pristine.field(name) == Some(value);
                *kept |= is_kept;
                return is_kept;
            }
        }
        CLAIMS.iter().all(|name| !line.is(name) || pristine.field(name).is_some())
    });
    let mut missing = FORWARDED.iter().zip(kept).filter(|(_, kept)| !kept);
    missing.try_for_each(|(name, _)| req.share(name, pristine))
}

/// The other end of the client's connection, or what a PROXY header says of it. A client on a unix socket without
/// PROXY has no address; it gets the one that Varnish gives it, too.
///
/// # Safety
/// `ctx` is the running client task's.
pub unsafe fn peer(ctx: &vrt_ctx) -> IpAddr {
    // SAFETY: as promised.
    let address: Option<SocketAddr> = unsafe { VRT_r_client_ip(ctx) }.into();
    address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip())
}

extern "C" {
    // What `client.ip` reads in VCL; exported by varnishd, but in no header that varnish-sys binds.
    fn VRT_r_client_ip(ctx: *const vrt_ctx) -> VCL_IP;
}
