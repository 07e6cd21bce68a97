//! Whatever stands in ghost.json: it is taken or refused, and taking it again changes nothing.

#![no_main]

use std::sync::Arc;

use ghost_route::Router;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(fresh) = ghost_config::load(bytes, None) else { return };
    let again = ghost_config::load(bytes, Some(&fresh.config)).expect("what was taken once is taken again");
    assert_eq!(fresh.diagnostics, again.diagnostics);
    Router::new(Arc::new(again.config));
});
