//! A service's own director: its row in backend.list, and the place where an administrator sets its health.
//!
//! A loaded VCL has one for each service of the configuration, from the start and over reloads. Requests go
//! by the directors of rules ([`crate::director`]), which ask the service's for its health. User VCL can find one
//! by name (`directors.lookup`): what it sends there goes to the service, without the filters on requests.

use std::ffi::{c_int, CStr, CString};
use std::sync::Arc;

use ghost_upstream::{Service, Services};
use varnish::ffi::{self, vrt_ctx, VCL_BACKEND, VCL_BOOL, VCL_TIME};

use crate::boundary::caught;
use crate::by_service::{is_among, ByService};
use crate::door;
use crate::fetch::{self, Applied, Failure};
use crate::gateway;
use crate::listing;
use crate::registered::{self, private, release, Methods, Registered};

/// The director of one service.
pub struct ServiceDirector(Registered);

impl ServiceDirector {
    unsafe fn new(ctx: &vrt_ctx, service: &Arc<Service>) -> Option<Self> {
        // A NUL could only come from a broken configuration.
        let name = CString::new(service.id().replace('\0', "?")).unwrap_or_default();
        // SAFETY: the caller's promise; the methods expect an `Arc` of a service.
        unsafe { Registered::new(ctx, &METHODS, Arc::new(Arc::clone(service)), &name) }.map(Self)
    }

    /// The director, for as long as self lives.
    pub fn director(&self) -> VCL_BACKEND {
        self.0.director()
    }

    /// Whether requests may go to the service: as the administrator says, else as its endpoints say.
    ///
    /// # Safety
    /// `ctx` is valid.
    pub unsafe fn is_healthy(&self, ctx: &vrt_ctx) -> bool {
        // SAFETY: as promised; the director lives as long as self.
        unsafe { registered::is_healthy(ctx, self.director()) }
    }
}

/// The directors of one loaded VCL.
#[derive(Default)]
pub struct ServiceDirectors(ByService<ServiceDirector>);

impl ServiceDirectors {
    /// The director of a service, made where there is none; none where the VCL cools.
    ///
    /// # Safety
    /// `ctx` belongs to a task or the initialisation of the VCL that the directors belong to.
    pub unsafe fn get_or_make(&self, ctx: &vrt_ctx, service: &Arc<Service>) -> Option<Arc<ServiceDirector>> {
        // SAFETY: as promised.
        self.0.get_or_make(service, || unsafe { ServiceDirector::new(ctx, service) })
    }

    /// Makes the directors that are missing.
    ///
    /// # Safety
    /// As for [`get_or_make`](Self::get_or_make).
    pub unsafe fn show(&self, ctx: &vrt_ctx, services: &Services) {
        for service in services.iter() {
            // SAFETY: as promised. A VCL that cools shows what it has.
            let _ = unsafe { self.get_or_make(ctx, service) };
        }
    }

    /// Lets the directors of services go that are not among these. To be called while the VCL cannot be discarded.
    pub fn keep(&self, services: &Services) {
        self.0.keep(services);
    }

    /// Lets all go: the VCL is discarded.
    pub fn clear(&self) {
        self.0.clear();
    }
}

static METHODS: Methods = Methods(ffi::vdi_methods {
    magic: ffi::VDI_METHODS_MAGIC,
    type_: c"ghost_service".as_ptr(),
    http1pipe: Some(door::http1pipe),
    healthy: Some(healthy),
    resolve: None,
    gethdrs: Some(gethdrs),
    getip: Some(door::getip),
    finish: Some(door::finish),
    event: None,
    release: None,
    destroy: Some(destroy),
    panic: None,
    list: Some(list),
});

/// Sends the request to the service.
unsafe extern "C" fn gethdrs(ctx: *const vrt_ctx, director: VCL_BACKEND) -> c_int {
    // SAFETY: Varnish's arguments are the running backend task's and a service's director, valid for the call.
    unsafe {
        door::gethdrs(ctx, || {
            let service = private::<Arc<Service>>(director);
            let name = CStr::from_ptr((*(*director.0).vdir).cli_name).to_string_lossy();
            // Its last addresses may be somebody else's by now.
            if !gateway::running().is_some_and(|snapshot| is_among(service, snapshot.services())) {
                fetch::fail(&*ctx, &Failure::Gone, &name);
                return false;
            }
            fetch::start(&*ctx, service, &[director], &Applied::none(), &name)
        })
    }
}

/// Whether there is an endpoint to send requests to.
unsafe extern "C" fn healthy(
    _ctx: *const vrt_ctx,
    director: VCL_BACKEND,
    changed: *mut VCL_TIME,
) -> VCL_BOOL {
    // SAFETY: Varnish calls this with a service's director, and `changed` is null or to be set.
    unsafe { door::healthy(director, changed, || private::<Arc<Service>>(director).has_endpoints()) }
}

/// Shows the service in backend.list.
unsafe extern "C" fn list(
    _ctx: *const vrt_ctx,
    director: VCL_BACKEND,
    vsb: *mut ffi::vsb,
    details: c_int,
    json: c_int,
) {
    // SAFETY: as for `healthy`; the VSB is Varnish's, open for writing.
    unsafe {
        listing::print(vsb, details != 0, json != 0, || {
            let service = private::<Arc<Service>>(director);
            (vec![&**service], service.has_endpoints())
        });
    }
}

/// Gives up the service, when nobody refers to its director any more.
unsafe extern "C" fn destroy(director: VCL_BACKEND) {
    // SAFETY: Varnish calls this once, with a service's director.
    let service = unsafe { release::<Arc<Service>>(director) };
    let _ = caught(|| drop(service));
}
