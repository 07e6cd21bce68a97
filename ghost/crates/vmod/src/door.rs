//! The callbacks that are the same for every director of ghost's through which a fetch can go.

use std::ffi::c_int;
use std::io::Write;
use std::mem::ManuallyDrop;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::FromRawFd;

use varnish::ffi::{self, vrt_ctx, VCL_BACKEND, VCL_BOOL, VCL_IP, VCL_TIME};

use crate::boundary::caught;
use crate::fetch;
use crate::workspace;

/// Gets the head of an answer by `start`, which says whether there is one.
///
/// # Safety
/// `ctx` is the running backend task's.
pub unsafe fn gethdrs(ctx: *const vrt_ctx, start: impl FnOnce() -> bool) -> c_int {
    match caught(start) {
        Some(true) => 0,
        Some(false) => -1,
        None => {
            // SAFETY: as promised.
            unsafe { fetch::give_up(&mut *(*ctx).bo) };
            -1
        }
    }
}

/// Whether requests may go through a director, by `is_healthy`, and since when.
///
/// # Safety
/// `director` is one that the caller holds; `changed` is null or to be set.
pub unsafe fn healthy(
    director: VCL_BACKEND,
    changed: *mut VCL_TIME,
    is_healthy: impl FnOnce() -> bool,
) -> VCL_BOOL {
    let healthy = caught(|| {
        // SAFETY: as promised.
        unsafe {
            if let Some(changed) = changed.as_mut() {
                *changed = VCL_TIME((*(*director.0).vdir).health_changed);
            }
        }
        is_healthy()
    });
    VCL_BOOL(u32::from(healthy == Some(true)))
}

/// Ends the exchange.
///
/// # Safety
/// Called by Varnish only, as the director's `finish`.
pub unsafe extern "C" fn finish(ctx: *const vrt_ctx, _director: VCL_BACKEND) {
    // SAFETY: Varnish's context is the running backend task's. A panic is logged by the hook; what there was is
    // dropped all the same.
    let _ = caught(|| unsafe { fetch::finish(&mut *(*ctx).bo) });
}

/// The address of the endpoint that answers.
///
/// # Safety
/// Called by Varnish only, as the director's `getip`.
pub unsafe extern "C" fn getip(ctx: *const vrt_ctx, _director: VCL_BACKEND) -> VCL_IP {
    // SAFETY: as for `finish`.
    let address =
        caught(|| unsafe { fetch::endpoint(&*(*ctx).bo).and_then(|address| suckaddr(&*ctx, address)) });
    address.flatten().unwrap_or_default()
}

/// Copies an address into the task's workspace.
unsafe fn suckaddr(ctx: &vrt_ctx, address: SocketAddr) -> Option<VCL_IP> {
    const AF_INET: u16 = 2;
    const AF_INET6: u16 = 10;
    let port = address.port().to_be_bytes();
    let (family, octets): (u16, &[u8]) = match &address.ip() {
        IpAddr::V4(ip) => (AF_INET, &ip.octets()),
        IpAddr::V6(ip) => (AF_INET6, &ip.octets()),
    };
    // SAFETY: the memory is as large as varnishd says that an address is; octets and port are in network
    // order and of the family's length.
    unsafe {
        let memory = workspace::allocate(ctx.ws, ffi::vsa_suckaddr_len)?;
        let octets_length = octets.len() as u32;
        let (octets, port) = (octets.as_ptr().cast(), port.as_ptr().cast());
        Some(VCL_IP(ffi::VSA_BuildFAP(memory, family, octets, octets_length, port, 2)))
    }
}

/// Answers a request that user VCL wants piped. There is nothing to take the connection over, so the client
/// is told so instead of being cut off.
///
/// # Safety
/// Called by Varnish only, as the director's `http1pipe`.
pub unsafe extern "C" fn http1pipe(ctx: *const vrt_ctx, _director: VCL_BACKEND) -> ffi::stream_close_t {
    const ANSWER: &[u8] = b"HTTP/1.1 501 Not Implemented\r\n\
        Content-Type: text/plain; charset=utf-8\r\n\
        Content-Length: 20\r\n\
        Connection: close\r\n\
        \r\n\
        501 Not Implemented\n";
    let _ = caught(|| {
        // SAFETY: the client's socket is open for the call, and is left open.
        let mut socket = unsafe { ManuallyDrop::new(std::fs::File::from_raw_fd((*(*(*ctx).req).sp).fd)) };
        // A client that has gone cannot be told.
        let _ = socket.write_all(ANSWER);
    });
    // SAFETY: a static of varnishd. Anything but a reason to close would end the child.
    unsafe { ffi::SC_TX_ERROR.as_ptr() }
}
