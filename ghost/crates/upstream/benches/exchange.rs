//! What an exchange costs over loopback, what its parts cost without it, and what a choice costs.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ghost_upstream::{
    Balancer, Body, BodyDecoder, Framing, HeadBuffer, NeverCancelled, RequestHead, RequestOptions,
    ServiceSpec, Settings, Upstream,
};

const HEAD: &str = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n\
                    Server: echo\r\nCache-Control: no-store\r\n";

/// A backend with one thread, that answers everything that looks like the end of a request.
fn backend(body: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("its address");
    let answer = format!("{HEAD}Content-Length: {body}\r\n\r\n{}", "x".repeat(body));
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        stream.set_nodelay(true).expect("an option");
        let mut request = [0; 4096];
        while let Ok(1..) = stream.read(&mut request) {
            stream.write_all(answer.as_bytes()).expect("a client that listens");
        }
    });
    address
}

fn exchanges(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exchange");
    for (name, size) in [("31 B", 31), ("10 kB", 10_000), ("1 MB", 1_000_000)] {
        let upstream = Upstream::new(Settings::default());
        let endpoints = vec![backend(size).into()];
        let services = upstream.update([ServiceSpec { id: "a".into(), endpoints }]);
        let service = services.get("a").expect("the service");
        let mut buffer = vec![0; 64 * 1024];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let head = RequestHead::new(b"GET", b"/", b"a.io").expect("a sound request");
                let exchange =
                    service.exchange(head, Body::Empty, &RequestOptions::default(), &NeverCancelled);
                let mut exchange = exchange.expect("an answer");
                while exchange.read(&mut buffer, &NeverCancelled).expect("a whole body") > 0 {}
            });
        });
    }
    group.finish();
}

/// 1 MB to a client: copied, and moved from socket to socket.
fn bodies(criterion: &mut Criterion) {
    const SIZE: usize = 1_000_000;
    let upstream = Upstream::new(Settings::default());
    let endpoints = vec![backend(SIZE).into()];
    let services = upstream.update([ServiceSpec { id: "a".into(), endpoints }]);
    let service = services.get("a").expect("the service");
    let mut client = reader();
    let begin = || {
        let head = RequestHead::new(b"GET", b"/", b"a.io").expect("a sound request");
        let exchange = service.exchange(head, Body::Empty, &RequestOptions::default(), &NeverCancelled);
        exchange.expect("an answer")
    };
    let mut group = criterion.benchmark_group("1 MB to a client");
    group.throughput(Throughput::Bytes(SIZE as u64));
    group.bench_function("copied", |bencher| {
        bencher.iter(|| {
            let mut exchange = begin();
            while !exchange.is_complete() {
                let piece = exchange.lend(&NeverCancelled).expect("a whole body");
                client.write_all(piece).expect("a client that reads");
            }
        });
    });
    group.bench_function("moved", |bencher| {
        bencher.iter(|| {
            let mut exchange = begin();
            while exchange.splice().is_none() {
                let piece = exchange.lend(&NeverCancelled).expect("a whole body");
                client.write_all(piece).expect("a client that reads");
            }
            let mut spliced = exchange.splice().expect("the same again");
            while spliced.forward(client.as_fd(), None, &NeverCancelled).expect("a whole body") > 0 {}
        });
    });
    group.finish();
}

/// The way to a client that drops all that comes.
fn reader() -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let near = TcpStream::connect(listener.local_addr().expect("its address")).expect("a connection");
    let (mut far, _) = listener.accept().expect("a connection");
    std::thread::spawn(move || {
        let mut dropped = vec![0; 256 * 1024];
        while let Ok(1..) = far.read(&mut dropped) {}
    });
    near
}

fn parts(criterion: &mut Criterion) {
    let head = format!("{HEAD}Content-Length: 5\r\n\r\n");
    criterion.bench_function("receive a head", |bencher| {
        bencher.iter(|| {
            let mut buffer = HeadBuffer::new(Vec::new(), 32 * 1024);
            buffer.space().expect("room")[..head.len()].copy_from_slice(head.as_bytes());
            buffer.advance(head.len());
            black_box(buffer.head(false, &NeverCancelled).expect("a sound head"));
        });
    });
    let coded = format!("4000\r\n{}\r\n0\r\n\r\n", "x".repeat(0x4000));
    let mut buffer = coded.clone().into_bytes();
    criterion.bench_function("decode a chunk of 16 kB", |bencher| {
        bencher.iter(|| {
            buffer.copy_from_slice(coded.as_bytes());
            black_box(BodyDecoder::new(Framing::Chunked).decode(&mut buffer).expect("a sound chunk"));
        });
    });
}

fn choice(criterion: &mut Criterion) {
    for count in [2, 16] {
        let weights: Vec<u32> = (1..=count).collect();
        let balancer = Balancer::new(&weights).expect("a balancer");
        criterion.bench_function(&format!("pick one of {count}"), |bencher| bencher.iter(|| balancer.pick()));
    }
}

criterion_group!(benches, exchanges, bodies, parts, choice);
criterion_main!(benches);
