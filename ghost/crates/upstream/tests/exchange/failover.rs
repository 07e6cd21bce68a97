//! What becomes of a request whose endpoint cannot take it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ghost_upstream::{Body, Error, Settings};
use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};

use crate::backend::Backend;
use crate::client::{Client, finish};

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// An address that refuses connections, kept from others as long as this lives.
struct Refusing {
    address: SocketAddr,
    _socket: OwnedFd,
}

impl Refusing {
    fn new() -> Self {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        let address = getsockname(&socket).expect("a name").try_into().expect("an address");
        Refusing { address, _socket: socket }
    }
}

#[test]
fn a_refused_connection_is_followed_by_the_next_endpoint_whatever_the_method() {
    let (refusing, backend) = (Refusing::new(), Backend::answering(ANSWER));
    let client = Client::new(&[refusing.address, backend.address]);
    for method in ["POST", "GET", "POST", "GET"] {
        assert_eq!(client.ask(method).unwrap(), (200, "ok".into()));
    }
    let refused = client.endpoint();
    assert_eq!(refused.connect_failures(), 1, "it is held down after the first time");
    assert!(refused.held_down(Instant::now()).is_some());
    assert_eq!(client.upstream.totals().connect_failures.get(), 1);
}

#[test]
fn the_body_is_asked_for_only_once_a_connection_is_open() {
    let (refusing, backend) = (Refusing::new(), Backend::answering(ANSWER));
    let client = Client::new(&[refusing.address, backend.address]);
    let mut calls = 0;
    let mut source = |upload: &mut ghost_upstream::Upload<'_>| {
        calls += 1;
        upload.write(b"hello")
    };
    assert!(client.send("POST", Body::Known(5, &mut source)).is_ok());
    assert_eq!(calls, 1);
}

#[test]
fn where_all_refuse_so_many_are_tried_and_no_more() {
    let refusing: Vec<_> = (0..5).map(|_| Refusing::new()).collect();
    let addresses: Vec<_> = refusing.iter().map(|refusing| refusing.address).collect();
    for (endpoints, tried) in [(1, 1), (2, 2), (5, 3)] {
        let client = Client::new(&addresses[..endpoints]);
        let error = client.ask("GET").unwrap_err();
        assert!(matches!(error, Error::Connect { .. }), "{error}");
        assert_eq!(error.status(), 503);
        assert_eq!(client.upstream.totals().connect_failures.get(), tried);
    }
}

#[test]
fn an_endpoint_that_comes_up_is_found_though_all_were_held_down() {
    let refusing = Refusing::new();
    let backend = Backend::answering(ANSWER);
    let client = Client::with_settings(
        &[refusing.address, backend.address],
        Settings { connect_attempts: 1, ..Settings::default() },
    );
    assert!(client.ask("GET").is_err());
    client.set_endpoints(&[refusing.address]);
    assert!(client.ask("GET").is_err());
    client.set_endpoints(&[refusing.address, backend.address]);
    for _ in 0..5 {
        assert!(client.ask("GET").is_ok());
    }
}

#[test]
fn a_request_beyond_the_limit_in_flight_is_refused_at_once() {
    let backend = Backend::answering(ANSWER);
    let settings = Settings { max_in_flight: 2, ..Settings::default() };
    let client = Client::with_settings(&[backend.address], settings);
    let first = client.send("GET", Body::Empty).unwrap();
    let _second = client.send("GET", Body::Empty).unwrap();
    let error = client.ask("GET").unwrap_err();
    assert!(matches!(error, Error::Saturated), "{error}");
    assert_eq!((error.status(), client.service.counters().saturated.get()), (503, 1));
    drop(first);
    assert!(client.ask("GET").is_ok());
}

#[test]
fn a_request_beyond_the_limit_of_all_services_is_refused_at_once() {
    let backends = [Backend::answering(ANSWER), Backend::answering(ANSWER)];
    let settings = Settings { max_in_flight_total: 1, ..Settings::default() };
    let client = Client::with_settings(&backends.each_ref().map(|backend| backend.address), settings);
    let first = client.send("GET", Body::Empty).unwrap();
    for _ in 0..3 {
        let error = client.ask("GET").unwrap_err();
        assert!(matches!(error, Error::Overloaded), "{error}");
        assert_eq!(error.status(), 503);
    }
    let totals = client.upstream.totals();
    assert_eq!((totals.overloaded.get(), totals.in_flight.get()), (3, 1));
    drop(first);
    assert!(client.ask("GET").is_ok());
}

#[test]
fn a_request_beyond_the_bound_of_its_service_is_refused_at_once() {
    let backend = Backend::answering(ANSWER);
    let settings = Settings { max_in_flight_service: Some(2), ..Settings::default() };
    let client = Client::with_settings(&[backend.address], settings);
    let first = client.send("GET", Body::Empty).unwrap();
    let _second = client.send("GET", Body::Empty).unwrap();
    let error = client.ask("GET").unwrap_err();
    assert!(matches!(error, Error::ServiceOverloaded), "{error}");
    let totals = client.upstream.totals();
    assert_eq!(
        (error.status(), totals.service_overloaded.get(), totals.overloaded.get(), totals.in_flight.get()),
        (503, 1, 0, 2)
    );
    drop(first);
    assert!(client.ask("GET").is_ok());
}

#[test]
fn where_every_endpoint_is_held_down_the_answer_is_503_without_a_try() {
    let refusing = Refusing::new();
    let client = Client::new(&[refusing.address]);
    assert!(matches!(client.ask("GET").unwrap_err(), Error::Connect { .. }));
    let error = client.ask("GET").unwrap_err();
    assert!(matches!(error, Error::HeldDown), "{error}");
    let totals = client.upstream.totals();
    assert_eq!((error.status(), totals.held_down.get(), totals.connect_failures.get()), (503, 1, 1));
}

#[test]
fn an_open_connection_serves_a_held_down_endpoint_but_does_not_clear_its_hold_down() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("its address");
    let (closed, is_closed) = mpsc::channel();
    // It takes one connection, and refuses the others.
    let backend = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        drop(listener);
        closed.send(()).expect("the test to listen");
        let mut request = [0; 4096];
        while let Ok(1..) = stream.read(&mut request) {
            stream.write_all(ANSWER.as_bytes()).expect("an answer");
        }
    });
    let hour = Duration::from_secs(3600);
    let settings = Settings { hold_down: hour, hold_down_max: hour, ..Settings::default() };
    let client = Client::with_settings(&[address], settings);
    let first = client.send("GET", Body::Empty).unwrap();
    is_closed.recv().expect("a backend");
    assert!(matches!(client.ask("GET").unwrap_err(), Error::Connect { .. }));
    assert_eq!(finish(first).unwrap().0, 200);
    for _ in 0..3 {
        assert_eq!(client.ask("GET").unwrap(), (200, "ok".into()));
        assert!(client.endpoint().held_down(Instant::now()).is_some());
    }
    assert_eq!(client.upstream.totals().connect_failures.get(), 1);
    drop(client);
    backend.join().expect("a backend");
}

#[test]
fn a_service_without_endpoints_answers_503() {
    let client = Client::new(&[]);
    let error = client.ask("GET").unwrap_err();
    assert!(matches!(error, Error::NoEndpoint), "{error}");
    assert_eq!((error.status(), client.service.counters().no_endpoint.get()), (503, 1));
}
