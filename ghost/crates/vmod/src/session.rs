//! The connection of a client, as Varnish holds it.

use std::os::fd::BorrowedFd;

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use varnish::ffi;

/// Whether the client's connection was closed, or half of it: the two cannot be told apart.
///
/// # Safety
/// `session` is held by the running task.
pub unsafe fn has_hung_up(session: *const ffi::sess) -> bool {
    // SAFETY: as promised. The client's thread may close the socket meanwhile: the number is read anew each time.
    let descriptor = unsafe { (&raw const (*session).fd).read_volatile() };
    if descriptor < 0 {
        return true;
    }
    // SAFETY: it is open, since the client's thread waits for what the task does, or runs it; were it another's
    // by now, the look would change nothing there.
    let socket = unsafe { BorrowedFd::borrow_raw(descriptor) };
    let mut sockets = [PollFd::new(&socket, PollFlags::RDHUP)];
    matches!(poll(&mut sockets, Some(&Timespec::default())), Ok(1..))
}
