//! A backend that does what a test's script says, each connection on a thread of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A listening backend; dropping it ends its threads, and fails the test where a script has failed.
pub struct Backend {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stopping: AtomicBool,
    accepted: AtomicUsize,
    ended: AtomicUsize,
    peers: Mutex<Vec<(TcpStream, JoinHandle<()>)>>,
}

/// The backend's end of a connection.
pub struct Peer {
    reader: BufReader<TcpStream>,
    /// How many connections came before this one.
    pub number: usize,
}

impl Backend {
    /// Listens, and runs the script for each connection.
    pub fn start(script: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared::default());
        let accepting = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || accept(&listener, &shared, &Arc::new(script)))
        };
        Backend { address, shared, accepting: Some(accepting) }
    }

    /// Listens, and answers every request in the same way.
    pub fn answering(answer: &'static str) -> Self {
        Backend::start(move |peer| {
            while peer.request().is_some() {
                peer.send(answer);
            }
        })
    }

    /// How many connections have come.
    pub fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Waits until so many connections have been closed from this side.
    pub fn wait_for_ended(&self, count: usize) {
        eventually("connections to end", || self.shared.ended.load(Ordering::SeqCst) >= count);
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        let accepting = self.accepting.take().expect("a thread").join();
        let peers = std::mem::take(&mut *self.shared.peers.lock().expect("the peers"));
        let ends: Vec<_> = peers
            .into_iter()
            .map(|(stream, script)| {
                drop(stream.shutdown(Shutdown::Both));
                drop(stream);
                script.join()
            })
            .collect();
        if !std::thread::panicking() {
            assert!(accepting.is_ok() && ends.iter().all(Result::is_ok), "a backend's script failed");
        }
    }
}

fn accept<S>(listener: &TcpListener, shared: &Arc<Shared>, script: &Arc<S>)
where
    S: Fn(&mut Peer) + Send + Sync + 'static,
{
    for stream in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let stream = stream.expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("an option");
        let number = shared.accepted.fetch_add(1, Ordering::SeqCst);
        let own = stream.try_clone().expect("a second handle");
        let script = Arc::clone(script);
        let peer_shared = Arc::clone(shared);
        let thread = std::thread::spawn(move || {
            let mut peer = Peer { reader: BufReader::new(stream), number };
            script(&mut peer);
            // The second handle would keep the connection open.
            drop(peer.reader.get_ref().shutdown(Shutdown::Both));
            peer_shared.ended.fetch_add(1, Ordering::SeqCst);
        });
        shared.peers.lock().expect("the peers").push((own, thread));
    }
}

impl Peer {
    /// The next request, head and body as they came; none once the connection is closed.
    pub fn request(&mut self) -> Option<String> {
        let mut request = self.head()?;
        let lower = request.to_ascii_lowercase();
        if lower.contains("\r\ntransfer-encoding: chunked\r\n") {
            while !request.ends_with("\r\n0\r\n\r\n") {
                self.line(&mut request)?;
            }
        } else if let Some((_, rest)) = lower.split_once("\r\ncontent-length: ") {
            let length = rest.split_once("\r\n").expect("a line").0.parse().expect("a number");
            let mut body = vec![0; length];
            self.reader.read_exact(&mut body).ok()?;
            request.push_str(&String::from_utf8(body).expect("text"));
        }
        Some(request)
    }

    /// The next request's head.
    pub fn head(&mut self) -> Option<String> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            self.line(&mut head)?;
        }
        Some(head)
    }

    /// The next chunk of a chunked body, as it came.
    pub fn chunk(&mut self) -> Option<String> {
        let mut chunk = String::new();
        self.line(&mut chunk)?;
        let size = usize::from_str_radix(chunk.trim_end(), 16).expect("a size");
        let mut data = vec![0; size + 2];
        self.reader.read_exact(&mut data).ok()?;
        chunk.push_str(&String::from_utf8(data).expect("text"));
        Some(chunk)
    }

    /// Reads so many bytes of a body; whether they came.
    pub fn takes(&mut self, count: usize) -> bool {
        self.reader.read_exact(&mut vec![0; count]).is_ok()
    }

    /// Waits for the first byte of a body, and leaves it unread.
    pub fn body_has_begun(&mut self) {
        assert!(!self.reader.fill_buf().expect("a body").is_empty(), "the body has not begun");
    }

    /// Sends bytes; whether they could be sent.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.reader.get_mut().write_all(bytes.as_ref()).is_ok()
    }

    /// Waits until the other side's system has got all that was sent: even over loopback that can be later
    /// than `send` returns.
    pub fn wait_until_received(&self) {
        let stream = self.reader.get_ref();
        let port = |address: std::io::Result<SocketAddr>| address.map_or(0, |address| address.port());
        let ends = (port(stream.local_addr()), port(stream.peer_addr()));
        eventually("all to be received", || unacknowledged(ends) == 0);
    }

    /// Waits until the other side closes, dropping what it sends.
    pub fn wait_for_close(&mut self) {
        let mut dropped = [0; 4096];
        while matches!(self.reader.read(&mut dropped), Ok(1..)) {}
    }

    /// Waits until the other side closes, leaving what it sends unread.
    pub fn wait_for_close_without_reading(&mut self) {
        let mut sockets = [PollFd::new(self.reader.get_ref(), PollFlags::RDHUP)];
        let patience = Timespec::try_from(PATIENCE).expect("a time");
        let events = poll(&mut sockets, Some(&patience)).expect("an event");
        assert_eq!(events, 1, "waited in vain for the other side to close");
    }

    /// Sends byte after byte, slowly, until that fails.
    pub fn trickle(&mut self, byte: u8) {
        while self.send([byte]) {
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    fn line(&mut self, text: &mut String) -> Option<()> {
        match self.reader.read_line(text) {
            Ok(1..) => Some(()),
            _ => None,
        }
    }
}

/// How many bytes were sent on the connection between these ports and not acknowledged yet (proc_pid_net(5));
/// 0 where there is no such connection any more.
fn unacknowledged((local, remote): (u16, u16)) -> u64 {
    let table = std::fs::read_to_string("/proc/self/net/tcp").expect("the system's connections");
    let (local, remote) = (format!(":{local:04X}"), format!(":{remote:04X}"));
    let mut rows = table.lines().map(|row| row.split_whitespace().skip(1).collect::<Vec<_>>());
    let row = rows.find(|row| row[0].ends_with(&local) && row[1].ends_with(&remote));
    let queue = row.and_then(|row| row[3].split(':').next().map(str::to_owned)).unwrap_or_default();
    u64::from_str_radix(&queue, 16).unwrap_or(0)
}

/// Waits until something holds, and fails where it never does.
pub fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}
