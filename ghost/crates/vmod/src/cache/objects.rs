//! Which objects come and go, as varnishd tells (`obj_event_f`).

use std::ffi::{c_uint, c_void};
use std::ptr;
use std::sync::Once;

use varnish::ffi;

use super::object::Object;
use super::{invalidated, statistics};
use crate::boundary::caught;

/// Events of varnishd: an object can be found, and it cannot be found any more. Those that fail or are killed come and go
/// like others.
mod event {
    use std::ffi::c_uint;

    pub const INSERT: c_uint = 1 << 1;
    pub const EXPIRE: c_uint = 1 << 4;
}

type Function = unsafe extern "C" fn(*mut ffi::worker, *mut c_void, *mut ffi::objcore, c_uint);

/// Lets varnishd tell, for the life of the process: this library is never unloaded. To be called from the thread that
/// loads VCL.
pub fn subscribe() {
    static ONCE: Once = Once::new();
    // SAFETY: the function stays, and has no state of its own.
    ONCE.call_once(|| unsafe {
        ObjSubscribeEvents(tell, ptr::null_mut(), event::INSERT | event::EXPIRE);
    });
}

unsafe extern "C" fn tell(
    worker: *mut ffi::worker,
    _private: *mut c_void,
    core: *mut ffi::objcore,
    event: c_uint,
) {
    let _ = caught(|| {
        // SAFETY: varnishd tells its own thread of an object whose head is stored, and that it holds.
        let Some(object) = (unsafe { Object::new(worker, core) }) else { return };
        if object.is_marker() {
            return;
        }
        if event == event::INSERT {
            // Whatever user VCL has made of its times.
            invalidated::note_end(object.end());
        }
        let Some(rule) = object.rule() else { return };
        match event {
            event::INSERT => statistics::stored(rule),
            event::EXPIRE => statistics::removed(rule),
            _ => {}
        }
    });
}

extern "C" {
    // Exported by varnishd, but in no header that varnish-sys binds.
    fn ObjSubscribeEvents(function: Function, private: *mut c_void, mask: c_uint) -> usize;
}
