//! What a reload does to connections and requests in flight.

use ghost_upstream::Body;

use crate::backend::Backend;
use crate::client::{Client, finish};

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn connections_survive_a_reload_that_keeps_their_endpoint() {
    let (first, second) = (Backend::answering(ANSWER), Backend::answering(ANSWER));
    let client = Client::new(&[first.address]);
    client.ask("GET").unwrap();
    client.set_endpoints(&[second.address, first.address]);
    for _ in 0..4 {
        client.ask("GET").unwrap();
    }
    assert_eq!((first.connections(), second.connections()), (1, 1));
}

#[test]
fn an_endpoint_that_goes_loses_its_idle_connections_and_finishes_what_is_in_flight() {
    let (going, staying) = (Backend::answering(ANSWER), Backend::answering(ANSWER));
    let client = Client::new(&[going.address]);
    let in_flight = client.send("GET", Body::Empty).unwrap();
    client.ask("GET").unwrap();
    let endpoint = client.endpoint();
    assert_eq!((endpoint.idle(), endpoint.in_flight()), (1, 1));

    client.set_endpoints(&[staying.address]);
    going.wait_for_ended(1);
    assert_eq!((endpoint.idle(), endpoint.in_flight()), (0, 1));
    assert_eq!(finish(in_flight).unwrap(), (200, "ok".into()));
    going.wait_for_ended(2);
    assert_eq!((endpoint.idle(), endpoint.in_flight()), (0, 0));
    client.ask("GET").unwrap();
    assert_eq!((going.connections(), staying.connections()), (2, 1));
}

#[test]
fn a_request_that_was_routed_before_its_service_went_is_served() {
    let backend = Backend::answering(ANSWER);
    let client = Client::new(&[backend.address]);
    client.ask("GET").unwrap();
    client.upstream.update([]);
    backend.wait_for_ended(1);
    assert_eq!(client.ask("GET").unwrap(), (200, "ok".into()));
    backend.wait_for_ended(2);
}

#[test]
fn nothing_stays_open_once_the_upstream_is_gone() {
    let backend = Backend::answering(ANSWER);
    let client = Client::new(&[backend.address]);
    client.ask("GET").unwrap();
    drop(client);
    backend.wait_for_ended(1);
}
