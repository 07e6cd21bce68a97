//! What can go wrong in an exchange, and which status a gateway answers then.

use std::io;
use std::net::SocketAddr;

use crate::bad_response::BadResponse;

/// Why an exchange gave no answer, or no whole answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No endpoint took the connection; the last one's error is kept.
    #[error("connect to {endpoint}: {source}")]
    Connect {
        /// The endpoint that was tried last.
        endpoint: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A deadline passed.
    #[error("timeout while {0}")]
    Timeout(Phase),
    /// Every endpoint has as many requests in flight as it may have.
    #[error("every endpoint has its limit of requests in flight")]
    Saturated,
    /// All services together have as many requests in flight as they may have.
    #[error("the gateway has its limit of requests in flight")]
    Overloaded,
    /// The service has as many requests in flight as places are left for those to all services.
    #[error("the service has its share of the gateway's requests in flight")]
    ServiceOverloaded,
    /// No endpoint could be connected to a short time ago, and it is another request's turn to try.
    #[error("every endpoint is held down after failures to connect")]
    HeldDown,
    /// The service has no endpoint at all.
    #[error("the service has no endpoint")]
    NoEndpoint,
    /// The backend's answer breaks HTTP/1.1, or a limit.
    #[error("bad response: {0}")]
    BadResponse(#[from] BadResponse),
    /// The backend closed or reset the connection while there was something to come.
    #[error("connection closed while {phase}: {source}")]
    Closed {
        /// What was going on.
        phase: Phase,
        /// What the system said.
        source: io::Error,
    },
    /// The client's side could not deliver the request body that it announced.
    #[error("the request body ended before it was whole")]
    RequestBody,
    /// The request was not whole when the time for it was over.
    #[error("the request took too long to come")]
    SlowRequest,
    /// Nobody waits for the answer any more.
    #[error("the client has gone")]
    ClientGone,
}

impl Error {
    /// The status that a gateway answers (RFC 9110 sections 15.6.3 to 15.6.5): 502 where the backend
    /// answered badly, 503 where it could not be asked, 504 where it was too slow. A request body that
    /// its client broke off is answered 400, and one that came too slowly 408 (section 15.5.9). 499
    /// stands for a client that has gone, in logs: nobody is there to be answered.
    pub fn status(&self) -> u16 {
        match self {
            Error::Connect { .. }
            | Error::Saturated
            | Error::Overloaded
            | Error::ServiceOverloaded
            | Error::HeldDown
            | Error::NoEndpoint => 503,
            Error::Timeout(_) => 504,
            Error::BadResponse(_) | Error::Closed { .. } => 502,
            Error::RequestBody => 400,
            Error::SlowRequest => 408,
            Error::ClientGone => 499,
        }
    }
}

/// What an exchange was doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Opening a connection.
    Connecting,
    /// Sending the request's head or body.
    Sending,
    /// Waiting for the first byte of the answer.
    FirstByte,
    /// Receiving the rest of the answer's head.
    Head,
    /// Receiving the answer's body.
    Body,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Phase::Connecting => "connecting",
            Phase::Sending => "sending the request",
            Phase::FirstByte => "waiting for the response",
            Phase::Head => "receiving the response's head",
            Phase::Body => "receiving the response's body",
        })
    }
}
