//! Request bodies, and answers that come before their end.

use std::sync::mpsc;
use std::time::Duration;

use ghost_upstream::{Body, Error, Phase, Settings, Stopped, Upload};

use crate::backend::Backend;
use crate::client::{Client, finish};

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A source that writes these pieces.
fn pieces(pieces: &'static [&'static str]) -> impl FnMut(&mut Upload<'_>) -> Result<(), Stopped> {
    move |upload| pieces.iter().try_for_each(|piece| upload.write(piece.as_bytes()))
}

/// A source that goes on until it is stopped.
fn endless(upload: &mut Upload<'_>) -> Result<(), Stopped> {
    let piece = vec![b'x'; 64 * 1024];
    loop {
        upload.write(&piece)?;
    }
}

#[test]
fn a_body_arrives_as_it_was_written() {
    let (requests, received) = mpsc::channel();
    let backend = Backend::start(move |peer| {
        while let Some(request) = peer.request() {
            requests.send(request).expect("the test to listen");
            peer.send(ANSWER);
        }
    });
    let client = Client::new(&[backend.address]);
    let start = "POST / HTTP/1.1\r\nHost: a.io\r\n";
    let mut source = pieces(&["he", "", "llo"]);
    finish(client.send("POST", Body::Known(5, &mut source)).unwrap()).unwrap();
    assert_eq!(received.recv().unwrap(), format!("{start}Content-Length: 5\r\n\r\nhello"));
    finish(client.send("POST", Body::Chunked(&mut source)).unwrap()).unwrap();
    assert_eq!(
        received.recv().unwrap(),
        format!("{start}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")
    );
    finish(client.send("POST", Body::Empty).unwrap()).unwrap();
    assert_eq!(received.recv().unwrap(), format!("{start}Content-Length: 0\r\n\r\n"));
    assert_eq!(backend.connections(), 1);
}

#[test]
fn a_body_that_is_not_what_was_announced_is_the_clients_fault() {
    let backend = Backend::answering(ANSWER);
    let client = Client::new(&[backend.address]);
    let mut too_short = pieces(&["hell"]);
    let mut too_long = pieces(&["hel", "lo!"]);
    let mut broken_off = |upload: &mut Upload<'_>| upload.write(b"hello").and(Err(Stopped));
    let table = [
        ("too short", Body::Known(5, &mut too_short)),
        ("too long", Body::Known(5, &mut too_long)),
        ("broken off", Body::Chunked(&mut broken_off)),
    ];
    for (name, body) in table {
        let error = client.send("POST", body).expect_err(name);
        assert!(matches!(error, Error::RequestBody), "{name}: {error}");
        assert_eq!(error.status(), 400, "{name}");
        assert_eq!((client.endpoint().idle(), client.endpoint().in_flight()), (0, 0), "{name}");
    }
}

/// A source of one piece, so long that its one write blocks on a backend that does not read.
fn in_one_piece(upload: &mut Upload<'_>) -> Result<(), Stopped> {
    upload.write(&vec![b'x'; 16 * 1024 * 1024])
}

#[test]
fn an_answer_that_wants_no_body_ends_an_upload_that_is_blocked() {
    let backend = Backend::start(|peer| {
        peer.head();
        peer.body_has_begun();
        peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
        // It reads nothing more, so that the upload must end by the answer alone.
        peer.wait_for_close_without_reading();
    });
    let client = Client::new(&[backend.address]);
    for _ in 0..2 {
        let exchange = client.send("POST", Body::Chunked(&mut in_one_piece)).unwrap();
        assert_eq!(finish(exchange).unwrap(), (413, "big".into()));
    }
    assert_eq!(backend.connections(), 2, "a connection with half a request is not used again");
}

#[test]
fn an_answer_that_comes_between_two_pieces_ends_the_upload() {
    let backend = Backend::start(|peer| {
        peer.head();
        peer.send("HTTP/1.1 307 Elsewhere\r\nContent-Length: 0\r\n\r\n");
        peer.wait_for_close();
    });
    let client = Client::new(&[backend.address]);
    let exchange = client.send("POST", Body::Known(1 << 40, &mut endless)).unwrap();
    assert_eq!(finish(exchange).unwrap().0, 307);
    backend.wait_for_ended(1);
}

#[test]
fn an_answer_that_has_come_ends_the_upload_within_64_kib_and_a_slow_one_at_once() {
    for (piece, most) in [(16 * 1024, 4), (100, 0)] {
        let (signal, answered) = mpsc::channel();
        let backend = Backend::start(move |peer| {
            peer.head();
            peer.body_has_begun();
            peer.send("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
            peer.wait_until_received();
            signal.send(()).expect("an upload that goes on");
            peer.wait_for_close();
        });
        let client = Client::new(&[backend.address]);
        let bytes = vec![b'x'; piece];
        let mut taken = 0;
        let mut source = |upload: &mut Upload<'_>| {
            upload.write(&bytes)?;
            answered.recv().expect("a backend");
            loop {
                upload.write(&bytes)?;
                taken += 1;
            }
        };
        let exchange = client.send("POST", Body::Known(1 << 40, &mut source)).unwrap();
        assert_eq!(finish(exchange).unwrap().0, 403);
        assert!(taken <= most, "{taken} pieces of {piece} bytes");
    }
}

#[test]
fn an_answer_before_the_connection_closes_is_heard() {
    let backend = Backend::start(|peer| {
        peer.head();
        peer.body_has_begun();
        peer.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
    });
    let client = Client::new(&[backend.address]);
    for _ in 0..20 {
        let exchange = client.send("POST", Body::Known(1 << 40, &mut in_one_piece)).unwrap();
        assert_eq!(exchange.head().status(), 401);
    }
}

#[test]
fn a_success_that_comes_early_does_not_end_the_upload() {
    let (lengths, received) = mpsc::channel();
    let backend = Backend::start(move |peer| {
        while let Some(head) = peer.head() {
            peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
            let mut body = String::new();
            while !body.ends_with("0\r\n\r\n") {
                body.push_str(&peer.head().expect("the rest of the body"));
            }
            lengths.send((head.len() > 10, body.matches('x').count())).expect("the test to listen");
            peer.send("ok");
        }
    });
    let client = Client::new(&[backend.address]);
    let mut source = |upload: &mut Upload<'_>| {
        let piece = [b'x'; 10_000];
        (0..200).try_for_each(|_| upload.write(&piece))
    };
    for _ in 0..2 {
        let exchange = client.send("POST", Body::Chunked(&mut source)).unwrap();
        assert_eq!(finish(exchange).unwrap(), (200, "ok".into()));
        assert_eq!(received.recv().unwrap(), (true, 2_000_000));
    }
    assert_eq!(backend.connections(), 1);
}

#[test]
fn a_backend_that_closes_in_mid_upload_without_an_answer_is_at_fault() {
    let backend = Backend::start(|peer| drop(peer.head()));
    let client = Client::new(&[backend.address]);
    let error = client.send("PUT", Body::Chunked(&mut endless)).unwrap_err();
    assert!(matches!(error, Error::Closed { phase: Phase::Sending, .. }), "{error}");
    assert_eq!(error.status(), 502);
}

#[test]
fn a_success_that_came_early_counts_where_the_backend_reads_no_more() {
    let backend = Backend::start(|peer| {
        peer.head();
        peer.body_has_begun();
        peer.send(ANSWER);
        peer.wait_for_close_without_reading();
    });
    let mut client = Client::new(&[backend.address]);
    client.options.timeouts.between_bytes = Duration::from_millis(200);
    let exchange = client.send("POST", Body::Chunked(&mut in_one_piece)).unwrap();
    assert_eq!(finish(exchange).unwrap(), (200, "ok".into()));
    assert_eq!(client.endpoint().idle(), 0, "a connection with half a request is not used again");
}

#[test]
fn an_upload_that_nobody_reads_runs_into_its_deadline() {
    let backend = Backend::start(|peer| {
        peer.head();
        peer.wait_for_close_without_reading();
    });
    let mut client = Client::new(&[backend.address]);
    client.options.timeouts.between_bytes = Duration::from_millis(50);
    let error = client.send("POST", Body::Chunked(&mut endless)).unwrap_err();
    assert!(matches!(error, Error::Timeout(Phase::Sending)), "{error}");
}

#[test]
fn a_backend_that_takes_the_request_in_drops_does_not_go_beyond_the_whole_time() {
    let backend = Backend::start(|peer| {
        peer.head();
        // Each part that it reads makes room for another one, within the time for a send.
        while peer.takes(100_000) {
            std::thread::park_timeout(Duration::from_millis(10));
        }
    });
    let settings = Settings { request_timeout: Duration::from_millis(300), ..Settings::default() };
    let client = Client::with_settings(&[backend.address], settings);
    let piece = vec![b'x'; 100_000_000];
    let mut once = |upload: &mut Upload<'_>| upload.write(&piece);
    let error = client.send("POST", Body::Known(100_000_000, &mut once)).unwrap_err();
    assert!(matches!(error, Error::Timeout(Phase::Sending)), "{error}");
    assert_eq!(error.status(), 504);
}

#[test]
fn a_client_that_trickles_its_body_does_not_hold_its_place_for_ever() {
    let backend = Backend::start(|peer| {
        peer.head();
        peer.wait_for_close();
    });
    let settings = Settings { request_timeout: Duration::from_millis(100), ..Settings::default() };
    let client = Client::with_settings(&[backend.address], settings);
    let mut trickle = |upload: &mut Upload<'_>| loop {
        upload.write(b"x")?;
        std::thread::park_timeout(Duration::from_millis(5));
    };
    let error = client.send("POST", Body::Known(1 << 40, &mut trickle)).unwrap_err();
    assert!(matches!(error, Error::SlowRequest), "{error}");
    assert_eq!(error.status(), 408);
    backend.wait_for_ended(1);
    let counters = client.service.counters();
    assert_eq!((counters.slow_requests.get(), counters.in_flight.get()), (1, 0));
    assert_eq!(client.endpoint().held_down(std::time::Instant::now()), None, "no fault of the backend");
}

/// A backend that sends back each piece of a chunked body before it reads the next one.
fn echo(peer: &mut crate::backend::Peer) {
    let mut head = peer.head().expect("a request");
    assert!(head.contains("chunked"));
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while !head.ends_with("0\r\n\r\n") {
        head = peer.chunk().expect("the rest of the body");
        peer.send(&head);
    }
}

#[test]
fn a_backend_that_answers_while_it_reads_does_not_stall() {
    const PIECES: usize = 100;
    let backend = Backend::start(|peer| {
        for _ in 0..2 {
            echo(peer);
        }
    });
    let client = Client::new(&[backend.address]);
    // Far more than the buffers of both sockets hold.
    let piece = vec![b'x'; 80_000];
    let mut source = |upload: &mut Upload<'_>| (0..PIECES).try_for_each(|_| upload.write(&piece));
    for _ in 0..2 {
        let exchange = client.send("POST", Body::Chunked(&mut source)).unwrap();
        let (status, body) = finish(exchange).unwrap();
        assert_eq!((status, body.len()), (200, PIECES * piece.len()));
    }
    assert_eq!(backend.connections(), 1);
}

#[test]
fn an_early_answer_beyond_its_limit_counts_though_the_upload_does_not_end() {
    let settings = Settings { max_early: 64 * 1024, ..Settings::default() };
    let backend = Backend::start(|peer| {
        peer.head();
        peer.body_has_begun();
        // It reads no more until its answer is taken.
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n");
        peer.send("x".repeat(30_000_000));
        peer.wait_for_close_without_reading();
    });
    let mut client = Client::with_settings(&[backend.address], settings);
    client.options.timeouts.between_bytes = Duration::from_millis(200);
    let exchange = client.send("POST", Body::Chunked(&mut endless)).unwrap();
    assert_eq!(finish(exchange).unwrap().1.len(), 30_000_000);
    assert_eq!(client.endpoint().idle(), 0);
}
