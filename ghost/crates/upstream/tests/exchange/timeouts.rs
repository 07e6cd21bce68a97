//! Deadlines hold against silence, and against a trickle.

use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use ghost_upstream::{Body, Error, Phase, Timeouts};
use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

use crate::backend::{Backend, Peer};
use crate::client::{Client, read};

const SHORT: Duration = Duration::from_millis(60);

fn timeout_of(script: fn(&mut Peer), timeouts: Timeouts) -> (Phase, u16) {
    let backend = Backend::start(script);
    let mut client = Client::new(&[backend.address]);
    client.options.timeouts = timeouts;
    let result = client.send("GET", Body::Empty).and_then(|mut exchange| read(&mut exchange, 100));
    let Err(error) = result else { panic!("no timeout") };
    let Error::Timeout(phase) = error else { panic!("no timeout but {error}") };
    assert_eq!(client.upstream.totals().timeouts.get(), 1);
    assert_eq!((client.endpoint().in_flight(), client.endpoint().idle()), (0, 0));
    (phase, error.status())
}

#[test]
fn a_backend_that_says_nothing_is_too_late() {
    let timeouts = Timeouts { first_byte: SHORT, ..Timeouts::default() };
    assert_eq!(timeout_of(Peer::wait_for_close, timeouts), (Phase::FirstByte, 504));
}

#[test]
fn a_head_that_trickles_is_too_late() {
    let script = |peer: &mut Peer| {
        peer.request();
        peer.send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nA: ");
        peer.trickle(b'x');
    };
    let timeouts = Timeouts { head: SHORT, ..Timeouts::default() };
    assert_eq!(timeout_of(script, timeouts), (Phase::Head, 504));
}

#[test]
fn an_interim_response_does_not_shorten_the_wait_for_the_final_one() {
    let backend = Backend::start(|peer| {
        peer.request();
        peer.send("HTTP/1.1 103 Early Hints\r\n\r\n");
        std::thread::park_timeout(SHORT);
        peer.send("HTTP/1.1 204 No Content\r\n\r\n");
    });
    let mut client = Client::new(&[backend.address]);
    client.options.timeouts.head = SHORT / 10;
    assert_eq!(client.ask("GET").unwrap().0, 204);
}

#[test]
fn interim_responses_do_not_lengthen_it_either() {
    let script = |peer: &mut Peer| {
        peer.request();
        peer.send("HTTP/1.1 103 Early Hints\r\n\r\n");
        peer.wait_for_close();
    };
    let timeouts = Timeouts { first_byte: SHORT, ..Timeouts::default() };
    assert_eq!(timeout_of(script, timeouts), (Phase::FirstByte, 504));
}

#[test]
fn a_body_that_stops_is_too_late() {
    let script = |peer: &mut Peer| {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
        peer.wait_for_close();
    };
    let timeouts = Timeouts { between_bytes: SHORT, ..Timeouts::default() };
    assert_eq!(timeout_of(script, timeouts), (Phase::Body, 504));
}

#[test]
fn framing_that_trickles_is_too_late_however_long_each_wait() {
    let script = |peer: &mut Peer| {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;");
        peer.trickle(b'x');
    };
    let timeouts = Timeouts { between_bytes: SHORT, ..Timeouts::default() };
    assert_eq!(timeout_of(script, timeouts), (Phase::Body, 504));
}

#[test]
fn a_body_that_trickles_is_too_late_for_the_whole_exchange() {
    let script = |peer: &mut Peer| {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\n\r\n");
        peer.trickle(b'x');
    };
    let whole = Some(Instant::now() + 3 * SHORT);
    assert_eq!(timeout_of(script, Timeouts { whole, ..Timeouts::default() }), (Phase::Body, 504));
}

#[test]
fn a_backend_that_is_slow_but_not_too_slow_is_waited_for() {
    let backend = Backend::start(|peer| {
        peer.request();
        std::thread::park_timeout(SHORT);
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        std::thread::park_timeout(SHORT);
        peer.send("ok");
    });
    let client = Client::new(&[backend.address]);
    assert_eq!(client.ask("GET").unwrap(), (200, "ok".into()));
}

#[test]
fn an_exchange_without_time_left_fails_without_a_word_and_without_blame() {
    let backend = Backend::answering("");
    let mut client = Client::new(&[backend.address]);
    client.options.timeouts.whole = Some(Instant::now());
    let error = client.ask("GET").unwrap_err();
    assert!(matches!(error, Error::Timeout(Phase::Connecting)), "{error}");
    assert_eq!(client.endpoint().held_down(Instant::now()), None);
}

/// A listener whose queue is full, so that connecting to it gets no answer.
struct FullListener {
    address: SocketAddr,
    _listener: OwnedFd,
    _queued: Vec<TcpStream>,
}

impl FullListener {
    fn new() -> Self {
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&listener, &SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        listen(&listener, 0).expect("a listener");
        let address = getsockname(&listener).expect("a name").try_into().expect("an address");
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
        let queued = std::iter::from_fn(connect).take(100).collect();
        FullListener { address, _listener: listener, _queued: queued }
    }
}

#[test]
fn an_endpoint_that_does_not_accept_is_left_for_the_next() {
    let full = FullListener::new();
    let backend = Backend::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let mut client = Client::new(&[full.address, backend.address]);
    client.options.timeouts.connect = SHORT;
    assert_eq!(client.ask("POST").unwrap().0, 204);
    assert!(client.endpoint().held_down(Instant::now()).is_some());

    let mut client = Client::new(&[full.address]);
    client.options.timeouts.connect = SHORT;
    let error = client.ask("POST").unwrap_err();
    assert!(matches!(error, Error::Timeout(Phase::Connecting)), "{error}");
    assert_eq!(error.status(), 504);
}
