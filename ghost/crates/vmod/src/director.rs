//! The callbacks of a ghost director (`struct vdi_methods`).

use std::ffi::{c_int, CStr};
use std::io::Write;
use std::mem::ManuallyDrop;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::FromRawFd;

use varnish::ffi::{self, vrt_ctx, VCL_BACKEND, VCL_BOOL, VCL_IP, VCL_TIME};

use crate::boundary::caught;
use crate::fetch;
use crate::listing;
use crate::registered::{private, release, Methods};
use crate::target::Target;
use crate::workspace;

/// The methods of every ghost director.
pub static METHODS: Methods = Methods(ffi::vdi_methods {
    magic: ffi::VDI_METHODS_MAGIC,
    type_: c"ghost".as_ptr(),
    http1pipe: Some(http1pipe),
    healthy: Some(healthy),
    resolve: None,
    gethdrs: Some(gethdrs),
    getip: Some(getip),
    finish: Some(finish),
    event: None,
    release: None,
    destroy: Some(destroy),
    panic: Some(panic),
    list: Some(list),
});

/// Whether this is a director of ghost's that requests can go by.
///
/// # Safety
/// `director` is null or a director that the caller holds.
pub unsafe fn is_ghost(director: *const ffi::director) -> bool {
    // SAFETY: as promised; a director's vdir and methods live as long as it does.
    unsafe {
        director.as_ref().is_some_and(|director| std::ptr::eq((*director.vdir).methods, &raw const METHODS.0))
    }
}

/// What a ghost director stands for.
unsafe fn target<'a>(director: VCL_BACKEND) -> &'a Target {
    // SAFETY: Varnish calls a ghost director's methods with that director, which stands for a target.
    unsafe { private::<Target>(director) }
}

/// Its name in the log and in backend.list.
unsafe fn name<'a>(director: VCL_BACKEND) -> &'a CStr {
    // SAFETY: as above; Varnish keeps the name as long as the director.
    unsafe { CStr::from_ptr((*(*director.0).vdir).cli_name) }
}

/// Sends the request and receives the head of the answer.
unsafe extern "C" fn gethdrs(ctx: *const vrt_ctx, director: VCL_BACKEND) -> c_int {
    // SAFETY: Varnish's arguments are the running backend task's, and valid for the call.
    let result = caught(|| unsafe { fetch::start(&*ctx, director, target(director), name(director)) });
    match result {
        Some(true) => 0,
        Some(false) => -1,
        None => {
            // SAFETY: as above.
            unsafe { fetch::give_up(&mut *(*ctx).bo) };
            -1
        }
    }
}

/// Ends the exchange.
unsafe extern "C" fn finish(ctx: *const vrt_ctx, director: VCL_BACKEND) {
    // SAFETY: as for gethdrs. A panic is logged by the hook; what there was is dropped all the same.
    let _ = caught(|| unsafe { fetch::finish(&mut *(*ctx).bo, name(director)) });
}

/// The address of the endpoint that answers.
unsafe extern "C" fn getip(ctx: *const vrt_ctx, _director: VCL_BACKEND) -> VCL_IP {
    // SAFETY: as for gethdrs.
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

/// Whether requests may go to the service.
unsafe extern "C" fn healthy(ctx: *const vrt_ctx, director: VCL_BACKEND, changed: *mut VCL_TIME) -> VCL_BOOL {
    let healthy = caught(|| {
        // SAFETY: as for gethdrs; `changed` is null or Varnish's to be set.
        unsafe {
            if let Some(changed) = changed.as_mut() {
                *changed = VCL_TIME((*(*director.0).vdir).health_changed);
            }
            target(director).row().is_healthy(&*ctx)
        }
    });
    VCL_BOOL(u32::from(healthy == Some(true)))
}

/// Shows the service in backend.list.
unsafe extern "C" fn list(
    ctx: *const vrt_ctx,
    director: VCL_BACKEND,
    vsb: *mut ffi::vsb,
    details: c_int,
    json: c_int,
) {
    // SAFETY: as for gethdrs; the VSB is Varnish's, open for writing.
    unsafe {
        listing::print(vsb, details != 0, json != 0, || {
            let target = target(director);
            (&**target.service(), target.row().is_healthy(&*ctx))
        });
    }
}

/// Tells Varnish's panic message whom this is about.
unsafe extern "C" fn panic(director: VCL_BACKEND, vsb: *mut ffi::vsb) {
    let text = caught(|| {
        // SAFETY: as for gethdrs.
        format!("service = {},\n", unsafe { target(director) }.service().id())
    });
    let text = text.unwrap_or_default();
    // SAFETY: as for `list`.
    unsafe { ffi::VSB_bcat(vsb, text.as_ptr().cast(), text.len() as isize) };
}

/// Gives up what the director stands for, when nobody refers to it any more.
unsafe extern "C" fn destroy(director: VCL_BACKEND) {
    // SAFETY: Varnish calls this once, with a ghost director.
    let target = unsafe { release::<Target>(director) };
    let _ = caught(|| drop(target));
}

/// Answers a request that user VCL wants piped. There is nothing to take the connection over, so the client
/// is told so instead of being cut off.
unsafe extern "C" fn http1pipe(ctx: *const vrt_ctx, _director: VCL_BACKEND) -> ffi::stream_close_t {
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
