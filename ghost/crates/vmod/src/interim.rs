//! Interim responses of backends, on their way to the client (RFC 9110 section 15.2).
//!
//! Varnish has no place for them: they are written to the client's socket as they come. Before the final answer nobody
//! else writes there. The client's own thread makes the exchange, or waits for the backend task that does.
//!
//! A client of HTTP/1.0 must not be sent any, and one of HTTP/2 has no socket of its own.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use ghost_upstream::ResponseHead;
use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{send, shutdown, SendFlags, Shutdown};

use crate::fetch;
use crate::via;

/// How long a client may take for the rest of one that it has begun to take. Without it, what follows would be taken for
/// that rest.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends it. A client that takes nothing just now gets none; one that takes a part only loses its connection.
pub fn forward(socket: BorrowedFd<'_>, head: &ResponseHead<'_>) {
    let message = message(head);
    let mut left = &message[..];
    let until = Instant::now() + PATIENCE;
    while !left.is_empty() {
        match send(socket, left, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(count) => left = &left[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if left.len() < message.len() && is_writable(socket, until) => {}
            Err(_) => break,
        }
    }
    if !left.is_empty() && left.len() < message.len() {
        // Where this fails, the connection is gone already.
        let _ = shutdown(socket, Shutdown::Both);
    }
}

/// Waits until more can be sent. False where that takes too long.
fn is_writable(socket: BorrowedFd<'_>, until: Instant) -> bool {
    let left = until.saturating_duration_since(Instant::now());
    let Ok(left) = Timespec::try_from(left) else { return false };
    matches!(poll(&mut [PollFd::new(&socket, PollFlags::OUT)], Some(&left)), Ok(1..) | Err(Errno::INTR))
}

/// It as HTTP/1.1 writes it.
fn message(head: &ResponseHead<'_>) -> Vec<u8> {
    let mut message = format!("HTTP/1.1 {} ", head.status()).into_bytes();
    message.extend_from_slice(head.reason());
    message.extend_from_slice(b"\r\n");
    let mut line = |name: &[u8], value: &[u8]| {
        for part in [name, b": ", value, b"\r\n"] {
            message.extend_from_slice(part);
        }
    };
    for (name, value) in fetch::fields(head) {
        line(name, value);
    }
    // A further line of a list is a further element (RFC 9110 section 5.3).
    line(b"Via", via::OF_BACKENDS);
    message.extend_from_slice(b"\r\n");
    message
}
