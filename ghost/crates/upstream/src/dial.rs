//! Ways to reach an endpoint.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;

/// Where and how connections are opened. It is part of an endpoint's identity: connections that were
/// opened in different ways are never exchanged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Dial {
    /// HTTP/1.1 over TCP.
    Tcp(SocketAddr),
}

impl Dial {
    /// The address of the endpoint, however it is reached.
    pub fn address(&self) -> SocketAddr {
        match self {
            Dial::Tcp(address) => *address,
        }
    }

    /// Opens a connection, within `patience`.
    pub(crate) fn connect(&self, patience: Duration) -> io::Result<OwnedFd> {
        match self {
            Dial::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, patience)?;
                // A head and its body are sent in two pieces; neither shall wait for the other's ACK.
                stream.set_nodelay(true)?;
                Ok(stream.into())
            }
        }
    }
}

impl From<SocketAddr> for Dial {
    fn from(address: SocketAddr) -> Self {
        Dial::Tcp(address)
    }
}

impl fmt::Display for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dial::Tcp(address) => address.fmt(f),
        }
    }
}

/// Whether a connection could not be opened for want of something on this side: no fault of the endpoint,
/// and no better at the next one.
pub(crate) fn is_local_fault(error: &io::Error) -> bool {
    const LOCAL: [Errno; 4] = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| LOCAL.contains(&errno))
}
