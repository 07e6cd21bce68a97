//! The fetch door: how a backend task of Varnish gets its answer from ghost's own upstream.

mod abandoned;
mod body;
mod confirmed;
mod failure;
mod passed;
mod request;
mod response;
pub mod rest;
mod waiting;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ghost_config::Filters;
use ghost_upstream::{Exchange, RequestOptions, Service, Timeouts};
use varnish::ffi::{self, vrt_ctx, VslTag, VCL_BACKEND};

pub use failure::{reason, Failure};
pub use request::head;
pub use response::{fields, put_status};

use crate::cache::Bound;
use crate::log;
use crate::message::Message;
use crate::registered;
use waiting::Waiting;

/// What is done to a request on its way, and what its answer carries.
pub struct Applied<'a> {
    /// The filters of the rule.
    pub rule: &'a Filters,
    /// The filters of the backend.
    pub backend: &'a Filters,
    /// What of the path made the request fit.
    pub prefix: &'a [u8],
    /// What an object says of the response filters of its backend; none where there is no filter.
    pub carried: Option<&'a str>,
}

impl Applied<'_> {
    /// Nothing is done.
    pub fn none() -> Self {
        static NONE: Filters = Filters::none();
        Self { rule: &NONE, backend: &NONE, prefix: b"", carried: None }
    }
}

/// Sends the task's request to a service and hands the answer's head over. None of the directors may be sick. Where that fails, it says why in the log, sets
/// the status for vcl_backend_error, and returns false.
///
/// # Safety
/// `ctx` is the running backend task's, in `gethdrs` of this director.
pub unsafe fn start(
    ctx: &vrt_ctx,
    service: &Arc<Service>,
    directors: &[VCL_BACKEND],
    applied: &Applied<'_>,
    name: &str,
) -> bool {
    // SAFETY: as promised.
    let result = unsafe { attempt(ctx, service, directors, applied, name) };
    let Err(failure) = result else { return true };
    // SAFETY: as promised; no reference to the busyobj is held any more.
    unsafe { fail(ctx, &failure, name) };
    false
}

/// Says in the log why there is no answer, and sets the status for vcl_backend_error.
///
/// # Safety
/// `ctx` is the running backend task's.
pub unsafe fn fail(ctx: &vrt_ctx, failure: &Failure, name: &str) {
    // SAFETY: as promised.
    unsafe {
        log_failure((*ctx.bo).vsl.as_mut_ptr(), name, failure);
        failure.set_status(&mut *ctx.bo);
    }
}

unsafe fn attempt(
    ctx: &vrt_ctx,
    service: &Arc<Service>,
    directors: &[VCL_BACKEND],
    applied: &Applied<'_>,
    name: &str,
) -> Result<(), Failure> {
    let bo = ctx.bo;
    // SAFETY: as promised by the caller of `start`; references to the busyobj end with their statement.
    unsafe {
        if !(*bo).vdp_filter_list.is_null() {
            return Err(Failure::Filters);
        }
        // Without an endpoint the upstream says so, and counts it.
        let is_sick = directors.iter().any(|director| !registered::is_healthy(ctx, *director));
        if is_sick && service.has_endpoints() {
            return Err(Failure::Sick);
        }
        let mut exchange = ask(ctx, service, applied, name)?;
        if confirmed::is_of_another(&*bo, exchange.head()) {
            let vsl = (*bo).vsl.as_mut_ptr();
            log_close(vsl, name, &exchange);
            drop(exchange);
            log::line(vsl, VslTag::VclLog, "ghost_cache: a 304 of another response");
            confirmed::forget(ctx)?;
            exchange = ask(ctx, service, applied, name)?;
            if exchange.head().status() == 304 {
                log_close(vsl, name, &exchange);
                return Err(Failure::NotModified);
            }
        }
        response::install(bo, exchange, applied.carried, name)
    }
}

/// Sends the task's request, and gets the head of the answer.
unsafe fn ask(
    ctx: &vrt_ctx,
    service: &Arc<Service>,
    applied: &Applied<'_>,
    name: &str,
) -> Result<Exchange, Failure> {
    let bo = ctx.bo;
    // SAFETY: as for `attempt`.
    unsafe {
        let bereq = Message::new((*bo).bereq).ok_or(Failure::Internal("no bereq"))?;
        let head = head(applied, &bereq)?;
        (*bo).acct.bereq_hdrbytes += head.size() as u64;
        let options = RequestOptions { timeouts: timeouts(ctx), ..RequestOptions::default() };
        let waiting = Waiting::new(bo);
        let exchange = body::with_body(bo, |body| service.exchange(head, body, &options, &waiting))?;
        log_open((*bo).vsl.as_mut_ptr(), name, &exchange);
        log::timestamp(&mut *bo, c"Bereq");
        Ok(exchange)
    }
}

/// What user VCL has set for this fetch, else varnishd's parameters.
///
/// # Safety
/// `ctx` is a backend task's.
pub unsafe fn timeouts(ctx: &vrt_ctx) -> Timeouts {
    // SAFETY: these read fields of the running backend task, or a parameter.
    unsafe {
        Timeouts {
            connect: duration(VRT_r_bereq_connect_timeout(ctx)),
            first_byte: duration(VRT_r_bereq_first_byte_timeout(ctx)),
            between_bytes: duration(VRT_r_bereq_between_bytes_timeout(ctx)),
            ..Timeouts::default()
        }
    }
}

/// Infinity is "never".
fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

/// Ends the task's exchange. One whose body was read to its end has given its connection back already.
///
/// # Safety
/// `bo` is the running backend task's, in `finish` of a director of ghost's.
pub unsafe fn finish(bo: &mut ffi::busyobj) {
    // SAFETY: as promised.
    let Some(running) = (unsafe { response::take(bo) }) else { return };
    rest::close(bo.fetch_objcore);
    // SAFETY: as promised.
    unsafe { log_close(bo.vsl.as_mut_ptr(), &running.name, &running.exchange) };
}

/// Watches how much of the body comes, so that what is too large is not stored.
///
/// # Safety
/// `bo` is the running backend task's, of a ghost director.
pub unsafe fn watch(bo: &ffi::busyobj, bound: Bound) {
    // SAFETY: as promised.
    if let Some(running) = unsafe { response::running(bo) } {
        running.bound.set(Some(bound));
        rest::open(bo.fetch_objcore);
    }
}

/// The address of the endpoint that answers in this task.
///
/// # Safety
/// `bo` is the running backend task's, of a ghost director.
pub unsafe fn endpoint(bo: &ffi::busyobj) -> Option<SocketAddr> {
    // SAFETY: as promised.
    unsafe { response::running(bo) }.map(|running| running.exchange.endpoint().dial().address())
}

/// Leaves a task that panicked so that Varnish can go on to vcl_backend_error.
///
/// # Safety
/// `bo` is the running backend task's, in `gethdrs` of a ghost director.
pub unsafe fn give_up(bo: &mut ffi::busyobj) {
    // SAFETY: as promised.
    drop(unsafe { response::take(bo) });
    Failure::Internal("panic").set_status(bo);
}

/// Says in the log why there is no answer.
///
/// # Safety
/// `vsl` is the running task's log.
pub unsafe fn log_failure(vsl: *mut ffi::vsl_log, name: &str, failure: &Failure) {
    // SAFETY: as promised.
    unsafe { log::formatted(vsl, VslTag::FetchError, format_args!("backend {name}: {failure}")) };
}

/// BackendOpen as Varnish's own backends have it; there is no descriptor and no local address to tell.
///
/// # Safety
/// `vsl` is the running task's log.
pub unsafe fn log_open(vsl: *mut ffi::vsl_log, name: &str, exchange: &Exchange) {
    let endpoint = exchange.endpoint().label();
    let how = if exchange.is_reused() { "reuse" } else { "connect" };
    let text = format_args!("0 {name} {endpoint} - - {how}");
    // SAFETY: as promised.
    unsafe { log::formatted(vsl, VslTag::BackendOpen, text) };
}

/// BackendClose: whether the connection of an exchange that is over waits for another request.
///
/// # Safety
/// `vsl` is the running task's log.
pub unsafe fn log_close(vsl: *mut ffi::vsl_log, name: &str, exchange: &Exchange) {
    let how = if exchange.is_recycled() { "recycle" } else { "close" };
    // SAFETY: as promised.
    unsafe { log::formatted(vsl, VslTag::BackendClose, format_args!("0 {name} {how}")) };
}

extern "C" {
    // What `bereq.*_timeout` reads in VCL; exported by varnishd, but in no header that varnish-sys binds.
    fn VRT_r_bereq_connect_timeout(ctx: *const vrt_ctx) -> f64;
    fn VRT_r_bereq_first_byte_timeout(ctx: *const vrt_ctx) -> f64;
    fn VRT_r_bereq_between_bytes_timeout(ctx: *const vrt_ctx) -> f64;
}
