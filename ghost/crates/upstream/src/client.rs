//! Whom an exchange is done for.

use crate::response::ResponseHead;

/// Whoever waits for an answer. It is asked about once a second while there is nothing else to do.
pub trait Client {
    /// Whether nobody waits any more. The exchange fails with
    /// [`Error::ClientGone`](crate::Error::ClientGone) then, and its connection is closed.
    fn is_gone(&self) -> bool;

    /// Takes an interim response that came before the final one: any but 100 (Continue). By default it is
    /// dropped.
    fn interim(&self, _head: &ResponseHead<'_>) {}
}

/// A client that waits for ever.
#[derive(Debug, Clone, Copy, Default)]
pub struct NeverCancelled;

impl Client for NeverCancelled {
    fn is_gone(&self) -> bool {
        false
    }
}
