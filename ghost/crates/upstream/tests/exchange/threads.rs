//! Many threads at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::backend::Backend;
use crate::client::Client;

const THREADS: usize = 8;

#[test]
fn threads_share_connections_while_endpoints_come_and_go() {
    let backends = [(); 3].map(|()| Backend::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    let addresses: Vec<_> = backends.iter().map(|backend| backend.address).collect();
    let client = Client::new(&addresses);
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..300 {
                    assert_eq!(client.ask("POST").unwrap(), (200, "ok".into()));
                }
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        let mut round = 0;
        while done.load(Ordering::SeqCst) < THREADS && !std::thread::panicking() {
            client.set_endpoints(&[addresses[round % 3], addresses[(round + 1) % 3]]);
            round += 1;
            std::thread::yield_now();
        }
    });
    let counters = client.upstream.totals();
    assert_eq!(counters.requests.get(), 300 * THREADS as u64);
    assert_eq!(counters.opened.get() + counters.reused.get(), counters.requests.get());
    assert_eq!(counters.in_flight.get(), 0);
    for endpoint in client.service.endpoints() {
        assert_eq!(endpoint.in_flight(), 0);
    }
}
