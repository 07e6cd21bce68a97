//! What is wrong with an answer that cannot be used.

use crate::chunked::BadChunk;

/// How many header fields a response may have.
pub const MAX_FIELDS: usize = 128;

/// Why an answer cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadResponse {
    /// What came does not begin like a response; other bytes of the last answer, or another protocol.
    #[error("it does not begin with an HTTP/1 status line")]
    NotHttp,
    /// A line of the head is malformed.
    #[error("malformed head: {0}")]
    Head(&'static str),
    /// The head is longer than it may be.
    #[error("its head is longer than {0} bytes")]
    HeadTooLong(usize),
    /// More header fields than [`MAX_FIELDS`].
    #[error("it has more than {MAX_FIELDS} header fields")]
    TooManyFields,
    /// More interim (1xx) responses than a sound backend sends.
    #[error("it is preceded by too many interim responses")]
    TooManyInterim,
    /// 101 to a request that asked for no upgrade.
    #[error("it switches protocols without being asked")]
    SwitchingProtocols,
    /// Content-Length is no number, or two different ones.
    #[error("its Content-Length is not one number")]
    ContentLength,
    /// A transfer coding that was not asked for.
    #[error("its Transfer-Encoding is not exactly chunked")]
    TransferEncoding,
    /// Content-Length with Transfer-Encoding: made to be understood in two ways.
    #[error("it has both Content-Length and Transfer-Encoding")]
    LengthAndEncoding,
    /// The chunks of its body are malformed.
    #[error("malformed chunk: {0}")]
    Chunk(#[from] BadChunk),
}
