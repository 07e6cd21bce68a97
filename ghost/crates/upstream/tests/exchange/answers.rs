//! What comes back of each kind of answer.

use std::sync::{Mutex, mpsc};

use ghost_upstream::{Body, Error, NeverCancelled, Phase};

use crate::backend::Backend;
use crate::client::{Client, lent, read};

#[test]
fn a_body_is_whole_however_its_end_is_known_and_the_connection_is_kept_where_it_can_be() {
    let table = [
        ("by length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", true),
        (
            "by chunks",
            "GET",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\n",
            "hello",
            true,
        ),
        ("empty", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true),
        ("of HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "", true),
        ("of 204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", "", true),
        ("of 304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", true),
        ("behind 103", "GET", "HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "", true),
        (
            "of the last request",
            "GET",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
            "hello",
            false,
        ),
        (
            "with bytes behind it",
            "GET",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n",
            "hello",
            false,
        ),
    ];
    for (name, method, answer, body, is_kept) in table {
        let backend = Backend::answering(answer);
        let client = Client::new(&[backend.address]);
        for room in [1, 3, 1000] {
            let mut exchange = client.send(method, Body::Empty).expect(name);
            assert_eq!(read(&mut exchange, room).expect(name), body.as_bytes(), "{name}");
            assert!(exchange.is_complete(), "{name}");
            assert_eq!(exchange.is_recycled(), is_kept, "{name}");
        }
        let mut exchange = client.send(method, Body::Empty).expect(name);
        assert_eq!(lent(&mut exchange).expect(name), body.as_bytes(), "{name}");
        assert_eq!(exchange.is_recycled(), is_kept, "{name}");
        assert_eq!(client.endpoint().idle(), usize::from(is_kept), "{name}");
        assert_eq!(backend.connections(), if is_kept { 1 } else { 4 }, "{name}");
    }
}

#[test]
fn bytes_behind_a_body_that_comes_after_its_head_close_the_connection_too() {
    let (head_read, go_on) = mpsc::channel();
    let go_on = Mutex::new(go_on);
    let backend = Backend::start(move |peer| {
        while peer.request().is_some() {
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
            go_on.lock().expect("one connection").recv().expect("a signal");
            peer.send("helloHTTP/1.1 200 OK\r\n\r\n");
        }
    });
    let client = Client::new(&[backend.address]);
    let mut exchange = client.send("GET", Body::Empty).unwrap();
    head_read.send(()).expect("a backend");
    assert_eq!(read(&mut exchange, 1000).unwrap(), b"hello");
    assert_eq!(client.endpoint().idle(), 0);
}

#[test]
fn a_body_can_last_until_the_backend_closes() {
    let backend = Backend::start(|peer| {
        peer.request();
        peer.send("HTTP/1.0 200 OK\r\n\r\nhello");
    });
    let client = Client::new(&[backend.address]);
    assert_eq!(client.ask("GET").unwrap(), (200, "hello".into()));
    assert_eq!(client.endpoint().idle(), 0);
}

#[test]
fn a_long_body_arrives_as_it_was_sent() {
    let body: Vec<u8> = (0..3_000_000u32).map(|number| (number % 251) as u8).collect();
    let mut chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(70_001) {
        chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let by_length = [head.as_bytes(), &body].concat();
    for answer in [by_length, chunked] {
        let backend = Backend::start(move |peer| {
            while peer.request().is_some() {
                peer.send(&answer);
            }
        });
        let client = Client::new(&[backend.address]);
        for room in [4096, 100_000] {
            let mut exchange = client.send("GET", Body::Empty).unwrap();
            assert!(read(&mut exchange, room).unwrap() == body);
        }
        assert!(lent(&mut client.send("GET", Body::Empty).unwrap()).unwrap() == body);
        assert_eq!(backend.connections(), 1);
    }
}

#[test]
fn a_body_that_breaks_off_or_is_malformed_is_an_error_at_its_end() {
    let table = [
        ("a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", true),
        ("a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhell", true),
        ("the last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n", true),
        ("a size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\nx\r\n", false),
    ];
    for (name, answer, is_closed) in table {
        let backend = Backend::start(move |peer| {
            peer.request();
            peer.send(answer);
        });
        let client = Client::new(&[backend.address]);
        let mut exchange = client.send("GET", Body::Empty).expect(name);
        let error = read(&mut exchange, 1000).expect_err(name);
        match error {
            Error::Closed { phase: Phase::Body, .. } => assert!(is_closed, "{name}"),
            Error::BadResponse(_) => assert!(!is_closed, "{name}"),
            other => panic!("{name}: {other}"),
        }
        assert_eq!(error.status(), 502, "{name}");
        assert!(exchange.read(&mut [0; 10], &NeverCancelled).is_err(), "{name}: there is no reading on");
        assert_eq!(client.endpoint().in_flight(), 0, "{name}");
        assert_eq!(client.service.counters().in_flight.get(), 0, "{name}");
    }
}

#[test]
fn an_answer_that_is_no_http_is_a_bad_response() {
    for answer in ["\x15\x03\x01\x00\x02\x02\x16", "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"] {
        let backend = Backend::answering(answer);
        let client = Client::new(&[backend.address]);
        let error = client.ask("GET").unwrap_err();
        assert!(matches!(error, Error::BadResponse(_)), "{answer:?}: {error}");
        assert_eq!(error.status(), 502);
        assert_eq!(client.upstream.totals().bad_responses.get(), 1);
    }
}
