//! Why a backend task gets no answer, and the status that it ends with.

use std::ffi::CStr;

use ghost_upstream::InvalidRequest;
use varnish::ffi;

use crate::message::NoRoom;

/// Why there is no answer, or no whole one.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The exchange with the backend failed.
    #[error(transparent)]
    Exchange(#[from] ghost_upstream::Error),
    /// The request cannot be written.
    #[error(transparent)]
    Request(#[from] InvalidRequest),
    /// The answer does not fit.
    #[error("the response does not fit: {0}")]
    NoRoom(#[from] NoRoom),
    /// The administrator has declared the backend sick (backend.set_health), or its rule has left the
    /// configuration and user VCL still has its director.
    #[error("set to sick by backend.set_health, or no longer in the configuration")]
    Sick,
    /// The service has left the configuration, and user VCL still has its director.
    #[error("the service has left the configuration")]
    Gone,
    /// A 304 that does not speak of what is stored, to a request without conditions or that cannot be
    /// sent again without them.
    #[error("a 304 of another response than the stored one")]
    NotModified,
    /// User VCL has set bereq.filters.
    #[error("bereq.filters cannot be used with this backend")]
    Filters,
    /// Something that cannot be.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

impl Failure {
    /// The status that tells it to the client.
    pub fn status(&self) -> u16 {
        match self {
            Self::Exchange(error) => error.status(),
            Self::NoRoom(NoRoom::Fields | NoRoom::Byte) | Self::NotModified => 502,
            Self::Sick | Self::Gone => 503,
            Self::Request(_) | Self::NoRoom(NoRoom::Workspace) | Self::Filters | Self::Internal(_) => 500,
        }
    }

    /// Lets vcl_backend_error begin with this status, as `return (error(...))` would; a retry clears it.
    pub fn set_status(&self, bo: &mut ffi::busyobj) {
        let status = self.status();
        bo.err_code = status;
        bo.err_reason = reason(status).as_ptr();
    }
}

/// The reason phrase of a status that ghost gives (RFC 9110 section 15).
pub fn reason(status: u16) -> &'static CStr {
    match status {
        200 => c"OK",
        400 => c"Bad Request",
        404 => c"Not Found",
        405 => c"Method Not Allowed",
        408 => c"Request Timeout",
        414 => c"URI Too Long",
        431 => c"Request Header Fields Too Large",
        // No standard's, but what logs call it.
        499 => c"Client Closed Request",
        500 => c"Internal Server Error",
        501 => c"Not Implemented",
        502 => c"Bad Gateway",
        503 => c"Service Unavailable",
        504 => c"Gateway Timeout",
        _ => c"Error",
    }
}
