//! The VMOD: ghost's routing and upstream as functions, directors and filters of Varnish.
//!
//! This is the only crate with unsafe code. Every callback that Varnish makes catches panics
//! ([`boundary`]), and every unsafe block says why it is sound.
//!
//! - [`gateway`] is what the process has once: the configuration that runs ([`snapshot`]) and the upstream.
//! - [`recv`] routes a request; [`task`] and [`backend_task`] remember what came of it; [`answer`] and [`deliver`] write answers.
//! - [`rule_handle`] is a rule as requests hold it; [`directors`] makes a [`director`] for each that is used
//!   ([`target`]), and a director for each service ([`service_director`]); both are [`registered`] with Varnish.
//! - [`cache`] carries out what cache policies decide.
//! - [`forward`] picks a backend of the rule. There are two doors to it: [`fetch`], by way of a backend task and its director
//!   ([`door`]), and [`direct`], in the client's own thread.

#![warn(unsafe_op_in_unsafe_fn)]

mod answer;
mod backend_task;
mod boundary;
mod by_service;
mod cache;
mod counters;
mod deliver;
mod delivery_filter;
mod direct;
mod director;
mod directors;
mod door;
mod environment;
mod fetch;
mod forward;
mod gateway;
mod interim;
mod kept;
mod known_files;
mod listing;
mod local_reply;
mod log;
mod message;
mod method;
mod recv;
mod registered;
mod reload;
mod request_body;
mod rule_handle;
mod scheme;
mod scratch;
mod service_director;
mod session;
mod snapshot;
mod socket;
mod target;
mod task;
mod task_state;
mod vcl;
mod via;
mod workspace;

/// Routing by the Gateway API, and the way to the backends.
// The macro writes the C side of these functions.
#[allow(
    clippy::undocumented_unsafe_blocks,
    clippy::redundant_allocation,
    unsafe_op_in_unsafe_fn,
    missing_docs
)]
#[varnish::vmod]
mod ghost {
    use std::sync::Arc;

    use varnish::ffi::VCL_BACKEND;
    use varnish::vcl::{Ctx, Event};

    use crate::directors::VclState;
    use crate::vcl;

    #[event]
    pub fn event(ctx: &mut Ctx, #[shared_per_vcl] state: &mut Option<Box<Arc<VclState>>>, event: Event) {
        vcl::event(ctx, state, event);
    }

    /// Names the configuration, and loads it if it is there. A relative path is taken from varnishd's
    /// working directory.
    pub fn init(
        ctx: &mut Ctx,
        #[shared_per_vcl] state: Option<&Arc<VclState>>,
        #[default("ghost.json")] config: &str,
    ) {
        vcl::init(ctx, state, config);
    }

    /// Says by which door passed requests go to their backends: "fetch", as Varnish's own do, or "direct".
    pub fn pass_door(ctx: &mut Ctx, #[shared_per_vcl] state: Option<&Arc<VclState>>, door: &str) {
        vcl::pass_door(ctx, state, door);
    }

    /// Removes forged headers, routes the request, and marks it with where it goes.
    pub fn recv(ctx: &mut Ctx, #[shared_per_vcl] state: Option<&Arc<VclState>>) {
        vcl::recv(ctx, state);
    }

    /// The director of the chosen backend; none where ghost answers by itself.
    ///
    /// # Safety
    /// Called by Varnish only.
    pub unsafe fn backend(ctx: &mut Ctx, #[shared_per_vcl] state: Option<&Arc<VclState>>) -> VCL_BACKEND {
        vcl::backend(ctx, state)
    }

    /// The status that ghost answers by itself, or 0.
    pub fn answer(ctx: &mut Ctx, #[shared_per_vcl] state: Option<&Arc<VclState>>) -> i64 {
        vcl::answer(ctx, state)
    }

    /// Writes the answer that ghost gives by itself.
    pub fn synth(ctx: &mut Ctx, #[shared_per_vcl] state: Option<&Arc<VclState>>) {
        vcl::synth(ctx, state);
    }

    /// Applies the route's filters to the answer.
    pub fn deliver(ctx: &mut Ctx, #[shared_per_vcl] state: Option<&Arc<VclState>>) {
        vcl::deliver(ctx, state);
    }

    /// Writes a short answer for a backend that failed.
    pub fn backend_error(ctx: &mut Ctx) {
        vcl::backend_error(ctx);
    }

    /// Whether the cache policy of the rule lets the request be looked up, as it is now.
    pub fn lookup(ctx: &mut Ctx, #[shared_per_vcl] state: Option<&Arc<VclState>>) -> bool {
        vcl::lookup(ctx, state)
    }

    /// Makes the key of the rule's cache policy the key of the request, once; false where the rule has none.
    pub fn hash(ctx: &mut Ctx) -> bool {
        vcl::hash(ctx)
    }

    /// Lets a request that is not for the cache ask its backend as its client does.
    pub fn pass(ctx: &mut Ctx, #[shared_per_vcl] state: Option<&Arc<VclState>>) {
        vcl::pass(ctx, state);
    }

    /// Remembers how the miss came about. Says whether the client takes nothing that is not stored.
    pub fn miss(ctx: &mut Ctx) -> bool {
        vcl::miss(ctx)
    }

    /// Sets the times of the object by the cache policy.
    pub fn backend_response(ctx: &mut Ctx) {
        vcl::backend_response(ctx);
    }

    /// Whether the answer is an error in whose place a stale object is to be served.
    pub fn keeps_stale(ctx: &mut Ctx) -> bool {
        vcl::keeps_stale(ctx)
    }

    /// Whether the rule has a cache policy; marks an answer without a time as one that cannot be cached.
    pub fn store(ctx: &mut Ctx) -> bool {
        vcl::store(ctx)
    }

    /// Whether the answer is an error in whose place a restarted request gets a stale object.
    pub fn stale(ctx: &mut Ctx) -> bool {
        vcl::stale(ctx)
    }

    /// Handles a request for a reload, and returns the status to answer with.
    pub fn reload(ctx: &mut Ctx, #[shared_per_vcl] state: Option<&Arc<VclState>>) -> i64 {
        vcl::reload(ctx, state)
    }
}
