//! What has come of a body can be had without waiting for more.

use std::sync::{Mutex, mpsc};

use ghost_upstream::{Body, NeverCancelled};

use crate::backend::{Backend, eventually};
use crate::client::{Client, lent};

#[test]
fn what_has_come_is_had_without_waiting() {
    let (go_on, gate) = mpsc::channel();
    let gate = Mutex::new(gate);
    let backend = Backend::start(move |peer| {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
        for piece in ["hello", "world"] {
            gate.lock().expect("one connection").recv().expect("a test that goes on");
            peer.send(piece);
        }
        peer.wait_for_close();
    });
    let client = Client::new(&[backend.address]);
    let mut exchange = client.send("GET", Body::Empty).expect("an answer");
    exchange.receive_now().expect("a connection that is open");
    assert!(!exchange.has_received(), "nothing has been sent");
    go_on.send(()).expect("a backend");
    let received = Mutex::new(&mut exchange);
    eventually("the first piece", || {
        let mut exchange = received.lock().expect("the exchange");
        exchange.receive_now().expect("a connection that is open");
        exchange.has_received()
    });
    assert_eq!(exchange.lend(&NeverCancelled).expect("the first piece"), b"hello");
    go_on.send(()).expect("a backend");
    assert_eq!(lent(&mut exchange).expect("the rest"), b"world");
    assert!(exchange.is_complete() && exchange.is_recycled());
}

#[test]
fn a_body_that_ends_with_the_connection_ends_with_it_whoever_saw_that_first() {
    let backend = Backend::start(|peer| {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\n\r\n");
    });
    let client = Client::new(&[backend.address]);
    let mut exchange = client.send("GET", Body::Empty).expect("an answer");
    backend.wait_for_ended(1);
    exchange.receive_now().expect("a connection that was closed in order");
    assert_eq!(lent(&mut exchange).expect("an empty body"), b"");
    assert!(exchange.is_complete() && !exchange.is_recycled());
}

#[test]
fn bytes_behind_a_body_that_has_come_are_seen() {
    let backend = Backend::start(|peer| {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
        peer.send("hellounasked");
        peer.wait_until_received();
        peer.wait_for_close();
    });
    let client = Client::new(&[backend.address]);
    let mut exchange = client.send("GET", Body::Empty).expect("an answer");
    let received = Mutex::new(&mut exchange);
    eventually("the body", || {
        let mut exchange = received.lock().expect("the exchange");
        exchange.receive_now().expect("a connection that is open");
        exchange.has_received()
    });
    assert_eq!(lent(&mut exchange).expect("the body"), b"hello");
    // Some of it may come later; then the idle connection shows it.
    eventually("the surplus to be found", || client.endpoint().surplus() == 1);
    assert_eq!(client.endpoint().idle(), 0);
}
