package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// block holds one TLS record (RFC 8446, section 5.1: 16 KiB).
type block [16 << 10]byte

// blocks lends what one read needs. Most connections are idle most of the time, and hold none then.
type blocks struct {
	pool sync.Pool
	lent atomic.Int64
}

var buffers = blocks{pool: sync.Pool{New: func() any { return new(block) }}}

func (b *blocks) get() *block {
	b.lent.Add(1)
	return b.pool.Get().(*block)
}

// put takes a block back; nil is none.
func (b *blocks) put(block *block) {
	if block != nil {
		b.lent.Add(-1)
		b.pool.Put(block)
	}
}

// BuffersInUse is how many buffers connections hold at this moment; those that wait for bytes hold none.
func BuffersInUse() int { return int(buffers.lent.Load()) }

// source is what is copied from. What next gives holds until the next call of any method.
type source interface {
	next() ([]byte, error)
	release()
}

// fromVarnishd takes a block only once there is something to read.
type fromVarnishd struct {
	raw  syscall.RawConn
	held *block
	// n and err are what read got; the method value is made once.
	n    int
	err  error
	read func(fd uintptr) (done bool)
}

func newFromVarnishd(conn *net.UnixConn) (*fromVarnishd, error) {
	raw, err := conn.SyscallConn()
	f := &fromVarnishd{raw: raw}
	f.read = f.readOnce
	return f, err
}

// readOnce reads what there is; where there is nothing, it holds no block.
func (f *fromVarnishd) readOnce(fd uintptr) (done bool) {
	f.held = buffers.get()
	for {
		f.n, f.err = syscall.Read(int(fd), f.held[:])
		if !errors.Is(f.err, syscall.EINTR) {
			break
		}
	}
	if errors.Is(f.err, syscall.EAGAIN) {
		f.release()
		return false
	}
	return true
}

func (f *fromVarnishd) next() ([]byte, error) {
	f.release()
	err := f.raw.Read(f.read)
	switch {
	case err != nil:
		return nil, err
	case f.err != nil:
		return nil, os.NewSyscallError("read", f.err)
	case f.n == 0:
		return nil, io.EOF
	}
	return f.held[:f.n], nil
}

func (f *fromVarnishd) release() {
	buffers.put(f.held)
	f.held = nil
}

// fromClient waits with a small buffer, which most requests fit in, and takes a block while a client has more to say.
// TLS cannot be asked whether there is something to read.
type fromClient struct {
	conn  io.Reader
	small [2 << 10]byte
	held  *block
}

func (f *fromClient) next() ([]byte, error) {
	buffer := f.small[:]
	if f.held != nil {
		buffer = f.held[:]
	}
	n, err := f.conn.Read(buffer)
	switch {
	case n < len(f.small):
		// What is small enough to wait for is kept where that is done.
		copy(f.small[:], buffer[:n])
		f.release()
		buffer = f.small[:]
	case f.held == nil:
		f.held = buffers.get()
	}
	return buffer[:n], err
}

func (f *fromClient) release() {
	buffers.put(f.held)
	f.held = nil
}
