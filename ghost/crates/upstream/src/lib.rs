//! The way from a routed request to a backend's answer: which backend, which endpoint, which connection, and one
//! HTTP/1.1 exchange on it. Blocking sockets, no Varnish.
//!
//! - [`Balancer`] shares a rule's requests out among its backends by weight, and keeps its place over reloads.
//! - [`Upstream`] holds every [`Service`] of the configuration; a reload ([`Upstream::update`]) keeps connections,
//!   counts and hold-down of what stays.
//! - [`Service::exchange`] sends a request ([`RequestHead`], [`Body`]) to one of the service's endpoints
//!   and returns an [`Exchange`]: the answer's head, and its body as one reads it.
//! - [`Error::status`] is what a gateway answers where there is no exchange.
//!
//! ```no_run
//! use ghost_upstream::{Body, NeverCancelled, RequestHead, ServiceSpec, Settings, RequestOptions, Upstream};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let upstream = Upstream::new(Settings::default());
//! let services = upstream.update([ServiceSpec {
//!     id: "default/echo:8080".into(),
//!     endpoints: vec!["10.0.0.1:3000".parse::<std::net::SocketAddr>()?.into()],
//! }]);
//! let service = services.get("default/echo:8080").ok_or("no such service")?;
//!
//! let mut request = RequestHead::new(b"GET", b"/", b"example.com")?;
//! request.field(b"Accept", b"*/*")?;
//! let mut exchange = service.exchange(request, Body::Empty, &RequestOptions::default(), &NeverCancelled)?;
//! let mut buffer = [0; 4096];
//! loop {
//!     match exchange.read(&mut buffer, &NeverCancelled)? {
//!         0 => break,
//!         count => println!("{:?}", &buffer[..count]),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod atomic_instant;
mod bad_response;
mod balance;
mod body;
mod buffers;
mod chunked;
mod client;
mod connection;
mod counters;
mod deadline;
mod dial;
mod dispatch;
mod endpoint;
mod error;
mod exchange;
mod framing;
mod hold_down;
mod hop;
mod pipe;
mod pool;
mod reaper;
mod receive;
mod replay;
mod request;
mod response;
mod retry;
mod service;
mod services;
mod settings;
mod share;
mod splitmix;
mod stacks;
mod upload;
mod upstream;

pub use bad_response::{BadResponse, MAX_FIELDS};
pub use balance::Balancer;
pub use body::{BodyDecoder, Decoded};
pub use chunked::BadChunk;
pub use client::{Client, NeverCancelled};
pub use counters::{Counter, Counters};
pub use deadline::Timeouts;
pub use dial::Dial;
pub use endpoint::Endpoint;
pub use error::{Error, Phase};
pub use exchange::{Exchange, NotMoved, RequestOptions, SPLICED_FROM, Spliced};
pub use framing::Framing;
pub use hop::{ConnectionOptions, is_hop_by_hop};
pub use receive::HeadBuffer;
pub use request::{InvalidRequest, RequestHead};
pub use response::{ParsedHead, ResponseHead};
pub use retry::Retry;
pub use service::Service;
pub use services::Services;
pub use settings::Settings;
pub use upload::{Body, Source, Stopped, Upload};
pub use upstream::{ServiceSpec, Upstream};
