//! The header line and the record of the log that name the listener's socket.

use std::ffi::{CStr, CString};

use arc_swap::ArcSwap;

const NAME: &[u8] = b"X-Gateway-Listener: ";
const LOG: &str = "ghost_listener: ";

/// What is said of a socket.
pub struct Listener {
    /// The header line "X-Gateway-Listener: SOCKET".
    pub header: &'static CStr,
    /// The record of the log "ghost_listener: SOCKET".
    pub log: &'static str,
}

/// What is said of this socket, the same one for each. There are as many as varnishd has sockets, and they stay as
/// long as the process.
pub fn of(socket: &[u8]) -> &'static Listener {
    static LISTENERS: std::sync::OnceLock<ArcSwap<Vec<&'static Listener>>> = std::sync::OnceLock::new();
    let listeners = LISTENERS.get_or_init(ArcSwap::default);
    let find = |listeners: &[&'static Listener]| {
        listeners.iter().copied().find(|listener| &listener.header.to_bytes()[NAME.len()..] == socket)
    };
    if let Some(listener) = find(&listeners.load()) {
        return listener;
    }
    let made: &'static Listener = Box::leak(Box::new(Listener {
        header: Box::leak(CString::new([NAME, socket].concat()).unwrap_or_default().into_boxed_c_str()),
        log: Box::leak(format!("{LOG}{}", String::from_utf8_lossy(socket)).into_boxed_str()),
    }));
    listeners.rcu(|listeners| match find(listeners) {
        Some(_) => Vec::clone(listeners),
        None => listeners.iter().copied().chain([made]).collect(),
    });
    find(&listeners.load()).unwrap_or(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_has_one_line() {
        assert_eq!(of(b"http-80").header, c"X-Gateway-Listener: http-80");
        assert_eq!(of(b"http-80").log, "ghost_listener: http-80");
        assert_eq!(of(b"https-443").header, c"X-Gateway-Listener: https-443");
        assert!(std::ptr::eq(of(b"http-80").header, of(b"http-80").header));
    }
}
