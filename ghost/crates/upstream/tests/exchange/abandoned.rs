//! An exchange lasts only as long as its client waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use ghost_upstream::{Body, Client as Waiting, Error, RequestHead, Upload};

use crate::backend::{Backend, Peer};
use crate::client::Client;

/// A client that goes when it is told to.
#[derive(Default)]
struct Fickle(AtomicBool);

impl Waiting for Fickle {
    fn is_gone(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// What comes of an exchange whose client goes as soon as the backend has got to some point.
fn abandoned(script: fn(&mut Peer), body: Body<'_>) -> (Error, Client) {
    let waiting = Arc::new(Fickle::default());
    let going = Arc::clone(&waiting);
    let (ended, gate) = mpsc::channel();
    let gate = Mutex::new(gate);
    let backend = Backend::start(move |peer| {
        script(peer);
        going.0.store(true, Ordering::SeqCst);
        // As long as an upload goes on, nobody asks about its client.
        gate.lock().expect("one connection").recv().expect("the exchange to end");
        peer.wait_for_close();
    });
    let client = Client::new(&[backend.address]);
    let head = RequestHead::new(b"POST", b"/", b"a.io").expect("a sound request");
    let exchange = client.service.exchange(head, body, &client.options, &*waiting);
    let error = exchange.map_or_else(Some, |mut exchange| {
        let mut buffer = [0; 10];
        std::iter::repeat_with(|| exchange.read(&mut buffer, &*waiting)).find_map(Result::err)
    });
    let error = error.expect("a body without an end");
    ended.send(()).expect("a backend");
    backend.wait_for_ended(1);
    (error, client)
}

#[test]
fn a_client_that_goes_ends_its_exchange_wherever_it_is() {
    let mut endless = |upload: &mut Upload<'_>| {
        let piece = vec![b'x'; 1024 * 1024];
        loop {
            upload.write(&piece)?;
        }
    };
    type Script = fn(&mut Peer);
    let table: [(&str, Script, Body<'_>); 3] = [
        ("before the answer", |peer| drop(peer.request()), Body::Empty),
        ("in its body", |peer| assert!(peer.send("HTTP/1.1 200 OK\r\n\r\nhello")), Body::Empty),
        ("in an upload that the backend blocks", Peer::body_has_begun, Body::Chunked(&mut endless)),
    ];
    for (name, script, body) in table {
        let (error, client) = abandoned(script, body);
        assert!(matches!(error, Error::ClientGone), "{name}: {error}");
        assert_eq!(error.status(), 499, "{name}");
        let counters = client.upstream.totals();
        assert_eq!((counters.client_gone.get(), counters.in_flight.get()), (1, 0), "{name}");
        assert_eq!((client.endpoint().in_flight(), client.endpoint().idle()), (0, 0), "{name}");
    }
}
