//! Large bodies that are moved from socket to socket.

use std::io::Read;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ghost_upstream::{Body, Error, Exchange, NeverCancelled, NotMoved};

use crate::backend::{Backend, Peer, eventually};
use crate::client::{Client, finish};

const LENGTH: usize = 1_000_000;

/// Bytes that differ from place to place.
fn body(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// A backend that answers each request with a head that announces the length, and these bytes.
fn backend(sent: usize, behind: &'static [u8]) -> Backend {
    Backend::start(move |peer| {
        while peer.request().is_some() {
            peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n"));
            peer.send(body(sent));
            peer.send(behind);
            if sent < LENGTH {
                return;
            }
        }
    })
}

/// Moves what is left of the body once all that came with the head was lent; all that the client got.
fn moved(
    exchange: &mut Exchange,
    to: impl AsFd,
    until: Option<Instant>,
) -> Result<(Vec<u8>, usize), NotMoved> {
    let (mut lent, mut moved) = (Vec::new(), 0);
    let mut spliced = loop {
        if exchange.splice().is_some() {
            break exchange.splice().expect("the same again");
        }
        lent.extend_from_slice(exchange.lend(&NeverCancelled)?);
    };
    loop {
        match spliced.forward(to.as_fd(), until, &NeverCancelled)? {
            0 => return Ok((lent, moved)),
            count => moved += count,
        }
    }
}

/// A client that reads all that comes, and the socket that leads to it.
fn reader() -> (TcpStream, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let near = TcpStream::connect(listener.local_addr().expect("its address")).expect("a connection");
    let (mut far, _) = listener.accept().expect("a connection");
    let reading = std::thread::spawn(move || {
        let mut all = Vec::new();
        far.read_to_end(&mut all).expect("all that comes");
        all
    });
    (near, reading)
}

#[test]
fn a_body_arrives_as_it_was_sent_and_the_connection_serves_again() {
    let backend = backend(LENGTH, b"");
    let client = Client::new(&[backend.address]);
    for turn in 0..3 {
        let mut exchange = client.send("GET", Body::Empty).expect("an answer");
        let (to, reading) = reader();
        let (mut got, count) = moved(&mut exchange, &to, None).expect("a whole body");
        to.shutdown(Shutdown::Write).expect("a connection");
        let rest = reading.join().expect("a reader");
        assert_eq!(rest.len(), count);
        got.extend_from_slice(&rest);
        assert!(got == body(LENGTH), "the body differs");
        assert!(exchange.is_complete() && exchange.is_recycled());
        assert_eq!(exchange.is_reused(), turn > 0);
    }
    assert_eq!(backend.connections(), 1);
}

#[test]
fn a_body_that_breaks_off_is_an_error() {
    let backend = backend(LENGTH / 2, b"");
    let client = Client::new(&[backend.address]);
    let mut exchange = client.send("GET", Body::Empty).expect("an answer");
    let (to, _reading) = reader();
    let error = moved(&mut exchange, &to, None).expect_err("a part of the body");
    assert!(matches!(error, NotMoved::Body(Error::Closed { .. })), "{error}");
    assert!(!exchange.is_complete() && !exchange.is_recycled());
    assert_eq!(client.endpoint().in_flight(), 0, "its place is free at once");
}

#[test]
fn nothing_behind_the_body_goes_along() {
    let backend = backend(LENGTH, b"unasked");
    let client = Client::new(&[backend.address]);
    let mut exchange = client.send("GET", Body::Empty).expect("an answer");
    let (to, reading) = reader();
    let (got, count) = moved(&mut exchange, &to, None).expect("a whole body");
    assert_eq!(got.len() + count, LENGTH);
    drop(to);
    assert_eq!(reading.join().expect("a reader").len(), count);
    // What comes too late to be seen with the body is seen on the idle connection.
    eventually("the surplus to be found", || client.endpoint().surplus() == 1);
    let next = client.send("GET", Body::Empty).expect("an answer");
    assert!(!next.is_reused());
}

#[test]
fn a_client_that_does_not_read_holds_up_the_backend_until_its_time_is_over() {
    let (signal, gate) = mpsc::channel();
    let gate = std::sync::Mutex::new(gate);
    let backend = Backend::start(move |peer: &mut Peer| {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        // Far less than announced is taken.
        let piece = vec![0; 1_000_000];
        let taken = (0..1000).take_while(|_| peer.send(&piece)).count();
        assert!(taken < 200, "{taken} MB");
        gate.lock().expect("one connection").recv().expect("the exchange to end");
    });
    let client = Client::new(&[backend.address]);
    let mut exchange = client.send("GET", Body::Empty).expect("an answer");
    let (to, _far) = UnixStream::pair().expect("a pair");
    to.set_write_timeout(Some(Duration::from_millis(20))).expect("a timeout");
    let until = Instant::now() + Duration::from_millis(100);
    let error = moved(&mut exchange, &to, Some(until)).expect_err("a client that does not read");
    assert!(
        matches!(&error, NotMoved::Client(error) if error.kind() == std::io::ErrorKind::TimedOut),
        "{error}"
    );
    drop(exchange);
    signal.send(()).expect("a backend");
}

#[test]
fn a_client_that_has_closed_is_an_error_of_its_own() {
    let backend = backend(LENGTH, b"");
    let client = Client::new(&[backend.address]);
    let mut exchange = client.send("GET", Body::Empty).expect("an answer");
    let (to, far) = UnixStream::pair().expect("a pair");
    drop(far);
    let error = moved(&mut exchange, &to, None).expect_err("a client that has gone");
    assert!(matches!(error, NotMoved::Client(_)), "{error}");
    drop(exchange);
    assert_eq!(client.endpoint().idle(), 0, "the connection is in the middle of an answer");
}

#[test]
fn what_is_small_or_of_unknown_length_is_not_moved() {
    let table = [
        ("a small body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        ("chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        ("no body", "HTTP/1.1 204 No Content\r\n\r\n"),
    ];
    for (name, answer) in table {
        let backend = Backend::answering(answer);
        let client = Client::new(&[backend.address]);
        let mut exchange = client.send("GET", Body::Empty).expect("an answer");
        assert!(exchange.splice().is_none(), "{name}");
        finish(exchange).expect(name);
    }
}
