//! Whom an exchange is done for.

/// Whoever waits for an answer. It is asked about once a second while there is nothing else to do.
pub trait Client {
    /// Whether nobody waits any more. The exchange fails with
    /// [`Error::ClientGone`](crate::Error::ClientGone) then, and its connection is closed.
    fn is_gone(&self) -> bool;
}

/// A client that waits for ever.
#[derive(Debug, Clone, Copy, Default)]
pub struct NeverCancelled;

impl Client for NeverCancelled {
    fn is_gone(&self) -> bool {
        false
    }
}
