//! Which connection a request goes out on, and what is sent again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use ghost_upstream::{Body, Error, NeverCancelled, Phase, Retry, Settings};

use crate::backend::{Backend, eventually};
use crate::client::{Client, finish};

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn one_connection_serves_many_requests() {
    let backend = Backend::answering(ANSWER);
    let client = Client::new(&[backend.address]);
    for _ in 0..10 {
        assert_eq!(client.ask("POST").unwrap(), (200, "ok".into()));
    }
    assert_eq!(backend.connections(), 1);
    let counters = client.service.counters();
    assert_eq!((counters.requests.get(), counters.opened.get(), counters.reused.get()), (10, 1, 9));
    assert_eq!(counters.in_flight.get(), 0);
}

#[test]
fn a_connection_is_free_as_soon_as_the_body_is_through() {
    let backend = Backend::answering(ANSWER);
    let client = Client::new(&[backend.address]);
    let mut exchange = client.send("GET", Body::Empty).unwrap();
    assert_eq!((client.endpoint().idle(), client.endpoint().in_flight()), (0, 1));
    exchange.read(&mut [0; 2], &NeverCancelled).unwrap();
    assert_eq!((client.endpoint().idle(), client.endpoint().in_flight()), (1, 0));
}

#[test]
fn an_exchange_that_is_dropped_before_its_end_closes_the_connection() {
    let backend = Backend::start(|peer| {
        peer.request();
        peer.send(ANSWER);
        peer.wait_for_close();
    });
    let client = Client::new(&[backend.address]);
    drop(client.send("GET", Body::Empty).unwrap());
    backend.wait_for_ended(1);
    assert_eq!((client.endpoint().idle(), client.endpoint().in_flight()), (0, 0));
}

#[test]
fn a_body_that_comes_late_to_head_is_not_taken_for_the_next_answer() {
    let (answered, go_on) = mpsc::channel::<()>();
    let (late, sent) = mpsc::channel();
    let go_on = Mutex::new(go_on);
    let backend = Backend::start(move |peer| {
        peer.request();
        if peer.number > 0 {
            peer.send(ANSWER);
            return;
        }
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 47\r\n\r\n");
        go_on.lock().expect("one connection").recv().expect("a signal");
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned");
        peer.wait_until_received();
        late.send(()).expect("the test to listen");
        peer.wait_for_close();
    });
    let client = Client::new(&[backend.address]);
    assert_eq!(client.ask("HEAD").unwrap(), (200, String::new()));
    answered.send(()).expect("a backend");
    sent.recv().expect("a late body");
    assert_eq!(client.ask("GET").unwrap(), (200, "ok".into()));
    assert_eq!(backend.connections(), 2);
}

/// A backend whose first connection ends in this way when its second request is due.
fn ending(end: impl Fn(&mut crate::backend::Peer) + Send + Sync + 'static) -> Backend {
    Backend::start(move |peer| {
        if peer.number == 0 {
            peer.request();
            peer.send(ANSWER);
            end(peer);
            return;
        }
        while peer.request().is_some() {
            peer.send(ANSWER);
        }
    })
}

#[test]
fn an_idempotent_request_is_sent_again_where_the_reused_connection_is_closed_without_an_answer() {
    type End = fn(&mut crate::backend::Peer);
    let ends: [(&str, End); 2] =
        [("before the request", |_| ()), ("behind the request", |peer| drop(peer.request()))];
    for (name, end) in ends {
        let backend = ending(end);
        let client = Client::new(&[backend.address]);
        client.ask("GET").unwrap();
        assert_eq!(client.ask("PUT").unwrap(), (200, "ok".into()), "{name}");
        let counters = client.service.counters();
        // One that is closed before the request may be seen to be so, and then is not used at all.
        let is_retried = counters.retries.get() == 1;
        assert!(is_retried || name == "before the request", "{name}");
        assert_eq!(counters.opened.get(), 2, "{name}");
        assert_eq!(counters.closed.get(), 0, "{name}");
    }
}

#[test]
fn a_request_that_may_have_been_acted_upon_is_not_sent_again() {
    let backend = ending(|peer| drop(peer.request()));
    let client = Client::new(&[backend.address]);
    client.ask("GET").unwrap();
    let error = client.ask("POST").unwrap_err();
    assert!(matches!(error, Error::Closed { phase: Phase::FirstByte, .. }), "{error}");
    assert_eq!((error.status(), backend.connections()), (502, 1));
    assert_eq!(client.service.counters().closed.get(), 1);
}

#[test]
fn a_body_is_sent_again_where_it_is_short_and_read_once() {
    let limit = Settings::default().max_replay;
    for (name, length, is_chunked, is_repeated) in [
        ("short", 5, false, true),
        ("short and chunked", 5, true, true),
        ("as long as may be", limit, true, true),
        ("too long", limit + 1, false, false),
        ("far too long", 100 * limit, true, false),
    ] {
        let (bodies, received) = mpsc::channel();
        let backend = Backend::start(move |peer| {
            for number in 0.. {
                let Some(request) = peer.request() else { return };
                let (_, body) = request.split_once("\r\n\r\n").expect("a whole request");
                bodies.send(body.matches('x').count()).expect("the test to listen");
                // The first connection ends with its second request.
                if peer.number == 0 && number == 1 {
                    return;
                }
                peer.send(ANSWER);
            }
        });
        let client = Client::new(&[backend.address]);
        client.ask("GET").unwrap();
        let mut calls = 0;
        let piece = vec![b'x'; 1000];
        let mut source = |upload: &mut ghost_upstream::Upload<'_>| {
            calls += 1;
            let pieces = std::iter::repeat_n(1000, length / 1000).chain([length % 1000]);
            pieces.into_iter().try_for_each(|size| upload.write(&piece[..size]))
        };
        let body = match is_chunked {
            true => Body::Chunked(&mut source),
            false => Body::Known(length as u64, &mut source),
        };
        let result = client.send("PUT", body).and_then(finish);
        assert_eq!(result.is_ok(), is_repeated, "{name}");
        assert_eq!((calls, backend.connections()), (1, 1 + usize::from(is_repeated)), "{name}");
        drop(client);
        drop(backend);
        let received: Vec<_> = received.into_iter().skip(1).collect();
        assert_eq!(received, vec![length; 1 + usize::from(is_repeated)], "{name}");
    }
}

#[test]
fn a_request_is_sent_again_as_its_terms_say() {
    let table: [(&str, &[&str], u32, u16); 5] = [
        ("a status that is listed", &["HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"], 1, 200),
        ("no answer", &[""], 1, 200),
        ("more often than may be", &["HTTP/1.1 503 X\r\nContent-Length: 1\r\n\r\nx"; 2], 1, 503),
        ("another status", &["HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"], 2, 500),
        ("without options", &["HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"], 0, 503),
    ];
    for (name, answers, attempts, want) in table {
        let asked = AtomicUsize::new(0);
        let backend = Backend::start(move |peer| {
            while let Some(request) = peer.request() {
                assert!(request.ends_with("\r\n\r\nhello"), "{request}");
                match answers.get(asked.fetch_add(1, Ordering::SeqCst)) {
                    Some(&"") => return,
                    answer => peer.send(answer.copied().unwrap_or(ANSWER)),
                };
            }
        });
        let mut client = Client::new(&[backend.address]);
        client.options.retry = Retry { attempts, statuses: vec![503], backoff: Duration::from_millis(1) };
        let mut source = |upload: &mut ghost_upstream::Upload<'_>| upload.write(b"hello");
        let exchange = client.send("PUT", Body::Known(5, &mut source)).expect(name);
        assert_eq!(finish(exchange).expect(name).0, want, "{name}");
        assert_eq!(client.endpoint().in_flight(), 0, "{name}");
    }
}

#[test]
fn nothing_is_sent_again_once_a_byte_of_an_answer_has_come() {
    let backend = ending(|peer| {
        peer.request();
        peer.send("HTTP/1.1 20");
    });
    let client = Client::new(&[backend.address]);
    client.ask("GET").unwrap();
    let error = client.ask("GET").unwrap_err();
    assert!(matches!(error, Error::Closed { phase: Phase::Head, .. }), "{error}");
    assert_eq!(backend.connections(), 1);
}

#[test]
fn a_fresh_connection_that_is_closed_is_no_reason_to_try_again() {
    let backend = Backend::start(|peer| drop(peer.request()));
    let client = Client::new(&[backend.address]);
    assert!(matches!(client.ask("GET"), Err(Error::Closed { .. })));
    assert_eq!(backend.connections(), 1);
}

#[test]
fn what_cannot_be_sent_again_does_not_go_out_on_a_closed_connection() {
    let backend = ending(|_| ());
    let client = Client::new(&[backend.address]);
    client.ask("GET").unwrap();
    backend.wait_for_ended(1);
    assert_eq!(client.ask("POST").unwrap(), (200, "ok".into()));
    let counters = client.service.counters();
    assert_eq!((counters.retries.get(), counters.reused.get()), (0, 0));
}

#[test]
fn idle_connections_are_closed_when_their_time_has_come() {
    let backend = Backend::answering(ANSWER);
    let settings = Settings { idle_timeout: Duration::from_millis(20), ..Settings::default() };
    let client = Client::with_settings(&[backend.address], settings);
    client.ask("GET").unwrap();
    assert_eq!(client.endpoint().idle(), 1);
    backend.wait_for_ended(1);
    eventually("the pool to be empty", || client.endpoint().idle() == 0);
}

#[test]
fn a_backend_that_keeps_no_connections_gets_a_new_one_each_time() {
    let backend =
        Backend::answering("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nContent-Length: 2\r\n\r\nok");
    let client = Client::new(&[backend.address]);
    for _ in 0..3 {
        finish(client.send("GET", Body::Empty).unwrap()).unwrap();
    }
    assert_eq!(backend.connections(), 3);
}
