//! The header line that names the listener's socket.

use std::ffi::{CStr, CString};

use arc_swap::ArcSwap;

const NAME: &[u8] = b"X-Gateway-Listener: ";

/// The line "X-Gateway-Listener: SOCKET", the same one for each socket. There are as many as varnishd has sockets,
/// and they stay as long as the process.
pub fn line(socket: &[u8]) -> &'static CStr {
    static LINES: std::sync::OnceLock<ArcSwap<Vec<&'static CStr>>> = std::sync::OnceLock::new();
    let lines = LINES.get_or_init(ArcSwap::default);
    let find =
        |lines: &[&'static CStr]| lines.iter().copied().find(|line| &line.to_bytes()[NAME.len()..] == socket);
    if let Some(line) = find(&lines.load()) {
        return line;
    }
    let text = CString::new([NAME, socket].concat()).unwrap_or_default();
    let made: &'static CStr = Box::leak(text.into_boxed_c_str());
    lines.rcu(|lines| match find(lines) {
        Some(_) => Vec::clone(lines),
        None => lines.iter().copied().chain([made]).collect(),
    });
    find(&lines.load()).unwrap_or(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_has_one_line() {
        let line_of = |socket: &[u8]| line(socket);
        assert_eq!(line_of(b"http-80"), c"X-Gateway-Listener: http-80");
        assert_eq!(line_of(b"https-443"), c"X-Gateway-Listener: https-443");
        assert!(std::ptr::eq(line_of(b"http-80"), line_of(b"http-80")));
    }
}
