//! Pipes by which bytes go from socket to socket without a copy in this process (splice(2)).

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_getpipe_size, pipe_with, splice};

use crate::stacks::Stacks;

/// How many bytes a pipe holds: what Linux gives unless the user has too many pipes already (pipe(7)).
pub(crate) const CAPACITY: usize = 64 * 1024;

/// How many pipes there may be. Each has two descriptors, which clients and backends need as well.
const MOST: usize = 512;

/// How many are kept for later.
const KEPT: usize = 64;

static COUNT: AtomicUsize = AtomicUsize::new(0);

static IDLE: LazyLock<Stacks<Ends>> = LazyLock::new(|| Stacks::new(KEPT));

/// A pipe. Dropped when it is empty, it serves again.
#[derive(Debug)]
pub(crate) struct Pipe {
    /// None only while it is dropped.
    ends: Option<Ends>,
    /// How many bytes are in it.
    buffered: usize,
}

#[derive(Debug)]
struct Ends {
    output: OwnedFd,
    input: OwnedFd,
}

impl Pipe {
    /// An empty pipe; none where there are as many as there may be, or the system gives none of full size.
    pub(crate) fn take() -> Option<Self> {
        let ends = IDLE.pop().or_else(Ends::new)?;
        Some(Pipe { ends: Some(ends), buffered: 0 })
    }

    /// How many bytes are in it.
    pub(crate) fn buffered(&self) -> usize {
        self.buffered
    }

    /// Moves what a socket has received into an empty pipe, `limit` bytes at most. Blocks as the socket does.
    /// Returns how many it moved; 0 where the other side has closed.
    pub(crate) fn fill(&mut self, from: impl AsFd, limit: usize) -> rustix::io::Result<usize> {
        debug_assert_eq!(self.buffered, 0, "a pipe that is not empty could block for ever");
        let count = splice(from, None, &self.ends().input, None, limit.min(CAPACITY), SpliceFlags::MOVE)?;
        self.buffered = count;
        Ok(count)
    }

    /// Moves what is in it to a socket, as much as that takes. Blocks as the socket does. Returns how many
    /// bytes it moved.
    pub(crate) fn drain(&mut self, to: impl AsFd) -> io::Result<usize> {
        let count = splice(&self.ends().output, None, to, None, self.buffered, SpliceFlags::MOVE)?;
        self.buffered -= count;
        Ok(count)
    }

    fn ends(&self) -> &Ends {
        self.ends.as_ref().expect("a pipe that is not dropped yet")
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        if let Some(ends) = self.ends.take().filter(|_| self.buffered == 0) {
            // Where enough are kept, it is closed.
            drop(IDLE.push(ends));
        }
    }
}

impl Ends {
    fn new() -> Option<Self> {
        let more = |count: usize| (count < MOST).then_some(count + 1);
        COUNT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        let Ok((output, input)) = pipe_with(PipeFlags::CLOEXEC) else {
            COUNT.fetch_sub(1, Ordering::Relaxed);
            return None;
        };
        let ends = Ends { output, input };
        fcntl_getpipe_size(&ends.input).is_ok_and(|size| size >= CAPACITY).then_some(ends)
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn what_goes_in_comes_out_and_the_limit_holds() {
        let ((mut near, from), (to, mut far)) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
        near.write_all(b"abcdef").unwrap();
        let mut pipe = Pipe::take().expect("a pipe");
        assert_eq!((pipe.fill(&from, 4), pipe.buffered()), (Ok(4), 4));
        assert_eq!((pipe.drain(&to).unwrap(), pipe.buffered()), (4, 0));
        let mut got = [0; 4];
        far.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"abcd");
        drop(near);
        assert_eq!(pipe.fill(&from, 4), Ok(2));
        pipe.drain(&to).unwrap();
        assert_eq!(pipe.fill(&from, 4), Ok(0), "the other side has closed");
    }

    #[test]
    fn a_pipe_that_is_not_empty_serves_nobody_else() {
        let (mut near, from) = UnixStream::pair().unwrap();
        near.write_all(b"secret").unwrap();
        let mut pipe = Pipe::take().expect("a pipe");
        pipe.fill(&from, CAPACITY).unwrap();
        drop(pipe);
        // More than are ever kept.
        let all: Vec<_> = std::iter::from_fn(Pipe::take).take(KEPT * 2).collect();
        assert_eq!(all.len(), KEPT * 2);
        for mut pipe in all {
            let (to, mut far) = UnixStream::pair().unwrap();
            near.write_all(b"x").unwrap();
            pipe.fill(&from, 1).unwrap();
            pipe.drain(&to).unwrap();
            let mut got = [0; 6];
            let count = far.read(&mut got).unwrap();
            assert_eq!(&got[..count], b"x");
        }
    }
}
