//! A gateway's side of an exchange: one service, and requests to it.

use std::net::SocketAddr;
use std::sync::Arc;

use ghost_upstream::{
    Body, Endpoint, Error, Exchange, NeverCancelled, RequestHead, RequestOptions, Service, ServiceSpec,
    Settings, Upstream,
};

/// An upstream with one service.
pub struct Client {
    pub upstream: Upstream,
    pub service: Arc<Service>,
    pub options: RequestOptions,
}

impl Client {
    pub fn new(endpoints: &[SocketAddr]) -> Self {
        Client::with_settings(endpoints, Settings::default())
    }

    pub fn with_settings(endpoints: &[SocketAddr], settings: Settings) -> Self {
        let upstream = Upstream::new(settings);
        let services = upstream.update([spec(endpoints)]);
        let service = Arc::clone(services.get("a/b:80").expect("the service"));
        Client { upstream, service, options: RequestOptions::default() }
    }

    /// Reloads with other endpoints.
    pub fn set_endpoints(&self, endpoints: &[SocketAddr]) {
        self.upstream.update([spec(endpoints)]);
    }

    pub fn send(&self, method: &str, body: Body<'_>) -> Result<Exchange, Error> {
        let head = RequestHead::new(method.as_bytes(), b"/", b"a.io").expect("a sound request");
        self.service.exchange(head, body, &self.options, &NeverCancelled)
    }

    /// A request without a body: status and body of its answer.
    pub fn ask(&self, method: &str) -> Result<(u16, String), Error> {
        finish(self.send(method, Body::Empty)?)
    }

    pub fn endpoint(&self) -> Arc<Endpoint> {
        self.service.endpoints().into_iter().next().expect("an endpoint")
    }
}

/// Reads the body to its end.
pub fn finish(mut exchange: Exchange) -> Result<(u16, String), Error> {
    let body = read(&mut exchange, 1000)?;
    Ok((exchange.head().status(), String::from_utf8(body).expect("text")))
}

/// Reads the body to its end, so many bytes at a time.
pub fn read(exchange: &mut Exchange, room: usize) -> Result<Vec<u8>, Error> {
    let (mut body, mut buffer) = (Vec::new(), vec![0; room]);
    loop {
        match exchange.read(&mut buffer, &NeverCancelled)? {
            0 => return Ok(body),
            count => body.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Takes the body to its end, as it is lent.
pub fn lent(exchange: &mut Exchange) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    loop {
        match exchange.lend(&NeverCancelled)? {
            [] => return Ok(body),
            piece => body.extend_from_slice(piece),
        }
    }
}

fn spec(endpoints: &[SocketAddr]) -> ServiceSpec {
    ServiceSpec { id: "a/b:80".into(), endpoints: endpoints.iter().map(|&address| address.into()).collect() }
}
