//! What a backend sends beyond an answer is never taken for the next one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use ghost_upstream::{Body, Settings};
use proptest::prelude::*;

use crate::backend::{Backend, Peer, eventually};
use crate::client::{Client, finish, read};

/// How an answer of the property says how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Length,
    Chunked,
    Head,
    NoContent,
    NotModified,
}

/// One answer, and what the backend sends beyond it.
#[derive(Debug, Clone)]
struct Step {
    kind: Kind,
    is_behind_interim: bool,
    body: usize,
    /// In pieces of how many bytes it is sent.
    piece: usize,
    /// In pieces of how many bytes its body is read.
    room: usize,
    surplus: &'static str,
    /// Whether what is beyond is sent with the answer's last piece.
    is_joined: bool,
}

const INJECTED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nINJECTED";

impl Step {
    fn method(&self) -> &'static str {
        if self.kind == Kind::Head { "HEAD" } else { "GET" }
    }

    fn status(&self) -> u16 {
        match self.kind {
            Kind::Length | Kind::Chunked | Kind::Head => 200,
            Kind::NoContent => 204,
            Kind::NotModified => 304,
        }
    }

    /// A body that no other step has.
    fn body(&self, number: usize) -> Vec<u8> {
        match self.kind {
            Kind::Length | Kind::Chunked => vec![b'a' + number as u8; self.body],
            Kind::Head | Kind::NoContent | Kind::NotModified => Vec::new(),
        }
    }

    fn answer(&self, number: usize) -> Vec<u8> {
        let interim = if self.is_behind_interim { "HTTP/1.1 103 Early Hints\r\n\r\n" } else { "" };
        let mut answer = format!("{interim}HTTP/1.1 {} X\r\n", self.status()).into_bytes();
        let body = self.body(number);
        match self.kind {
            Kind::Chunked => {
                answer.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                for chunk in body.chunks(4000) {
                    answer.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    answer.extend_from_slice(chunk);
                    answer.extend_from_slice(b"\r\n");
                }
                answer.extend_from_slice(b"0\r\n\r\n");
            }
            Kind::NoContent => answer.extend_from_slice(b"\r\n"),
            // HEAD and 304 announce a body that does not come (RFC 9110 section 8.6).
            Kind::Length | Kind::Head | Kind::NotModified => {
                answer.extend_from_slice(format!("Content-Length: {}\r\n\r\n", self.body).as_bytes());
                answer.extend_from_slice(&body);
            }
        }
        answer
    }

    fn send(&self, number: usize, peer: &mut Peer) {
        let mut answer = self.answer(number);
        if self.is_joined {
            answer.extend_from_slice(self.surplus.as_bytes());
        }
        for piece in answer.chunks(self.piece) {
            peer.send(piece);
        }
        if !self.is_joined {
            // Where the client has closed already, there is nobody to mislead.
            peer.send(self.surplus);
        }
        peer.wait_until_received();
    }
}

fn step() -> impl Strategy<Value = Step> {
    const KINDS: [Kind; 5] = [Kind::Length, Kind::Chunked, Kind::Head, Kind::NoContent, Kind::NotModified];
    let sizes = || prop_oneof![1..20usize, 1..20_000usize, Just(8192usize)];
    let surplus = prop_oneof![
        2 => Just(""),
        2 => Just(INJECTED),
        1 => Just("\r\n"),
        1 => Just("H"),
        1 => Just("HTTP/1.1 100 Continue\r\n\r\n"),
    ];
    let sizes = (0..20_000usize, sizes(), sizes());
    let step = (prop::sample::select(&KINDS[..]), any::<bool>(), sizes, surplus, any::<bool>());
    step.prop_map(|(kind, is_behind_interim, (body, piece, room), surplus, is_joined)| Step {
        kind,
        is_behind_interim,
        body,
        // Neither side needs more than some hundred pieces to show what it does.
        piece: piece.max(body / 200 + 1),
        room: room.max(body / 200 + 1),
        surplus,
        is_joined,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 50, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_request_gets_its_own_answer_whatever_came_behind_the_last(
        steps in prop::collection::vec(step(), 2..8),
        is_trusted_at_once in any::<bool>(),
    ) {
        let (sent, all_sent) = mpsc::channel();
        let next = AtomicUsize::new(0);
        let plan = steps.clone();
        let backend = Backend::start(move |peer| {
            while peer.request().is_some() {
                let number = next.fetch_add(1, Ordering::SeqCst);
                plan[number].send(number, peer);
                sent.send(()).expect("the test to listen");
            }
        });
        let distrust = if is_trusted_at_once { Duration::ZERO } else { Duration::from_secs(60) };
        let client = Client::with_settings(&[backend.address], Settings { distrust, ..Settings::default() });
        let mut connections = 0;
        let mut is_trusted = true;
        for (number, step) in steps.iter().enumerate() {
            let mut exchange = client.send(step.method(), Body::Empty).expect("an answer");
            connections += usize::from(!exchange.is_reused());
            prop_assert_eq!(exchange.head().status(), step.status());
            let body = read(&mut exchange, step.room).expect("a whole body");
            prop_assert!(body == step.body(number), "another body in step {}", number);
            all_sent.recv().expect("a backend");
            is_trusted &= step.surplus.is_empty() || is_trusted_at_once;
            // A quiet connection is not given up for nothing.
            if is_trusted && step.surplus.is_empty() {
                prop_assert!(exchange.is_recycled(), "not recycled in step {}", number);
            }
        }
        prop_assert_eq!(backend.connections(), connections);
    }
}

#[test]
fn a_204_that_announces_a_body_ends_its_connection() {
    let table = [
        ("HTTP/1.1 204 No Content\r\n\r\n", true),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", true),
        // RFC 9110 section 8.6 and RFC 9112 section 6.1: "MUST NOT send" either in a 204.
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false),
        ("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", false),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", true),
    ];
    for (answer, is_kept) in table {
        let backend = Backend::answering(answer);
        let client = Client::new(&[backend.address]);
        let exchange = client.send("GET", Body::Empty).expect(answer);
        assert_eq!((exchange.is_complete(), exchange.is_recycled()), (true, is_kept), "{answer:?}");
    }
}

#[test]
fn surplus_is_counted_and_ends_every_idle_connection_to_its_endpoint() {
    let (go_on, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let (late, sent) = mpsc::channel();
    let backend = Backend::start(move |peer| {
        while peer.request().is_some() {
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            if peer.number == 0 {
                gate.lock().expect("one connection").recv().expect("a signal");
                peer.send(INJECTED);
                peer.wait_until_received();
                late.send(()).expect("the test to listen");
            }
        }
    });
    let client = Client::new(&[backend.address]);
    let (first, second) =
        (client.send("GET", Body::Empty).unwrap(), client.send("GET", Body::Empty).unwrap());
    assert_eq!(finish(second).unwrap().0, 200);
    assert_eq!(finish(first).unwrap().0, 200);
    go_on.send(()).expect("a backend");
    sent.recv().expect("surplus");
    assert_eq!(client.ask("GET").unwrap(), (200, "ok".into()));
    eventually("the surplus to be counted", || client.endpoint().surplus() == 1);
    assert_eq!(client.upstream.totals().surplus.get(), 1);
    assert_eq!(client.endpoint().idle(), 0, "an endpoint that sent surplus is not trusted for some time");
}
