//! The cache: what the policy of a rule decides, carried out in Varnish.
//!
//! The decisions are those of the crate `ghost_cache`, which knows no Varnish; what was invalidated is in
//! `ghost_invalidation`. This module brings each to the place in Varnish where it holds:
//!
//! | where | what |
//! |---|---|
//! | vcl_recv, vcl_hash | [`lookup`]: whether the request is looked up, and by which key |
//! | the lookup itself | [`candidates`]: which of the objects with that key may answer |
//! | vcl_backend_response | [`store`]: whether the answer is stored, and for how long |
//! | vcl_miss, vcl_deliver, vcl_synth | [`stale`]: a stale object in the place of an error |
//! | vcl_deliver | [`deliver`]: what the client is told |
//! | the end of a request, an object's beginning and end | [`statistics`]: what is counted |

mod bound;
pub mod candidates;
pub mod deliver;
pub mod invalidated;
pub mod lookup;
pub mod object;
pub mod objects;
pub mod order;
pub mod stale;
pub mod statistics;
pub mod store;
mod too_large;

pub use bound::Bound;

/// The name of the gateway in Cache-Status.
pub const NAME: &str = "varnish-gateway";

extern "C" {
    /// Seconds since the epoch; exported by varnishd, but in no header that varnish-sys binds.
    fn VTIM_real() -> f64;
}

/// Seconds since the epoch.
pub fn now() -> f64 {
    // SAFETY: it only reads the clock.
    unsafe { VTIM_real() }
}

/// Whole seconds, as the decisions count them.
pub fn whole(seconds: f64) -> i64 {
    seconds.floor() as i64
}
