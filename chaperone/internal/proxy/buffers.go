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

// record is how much a TLS record holds at most (RFC 8446, section 5.1), and longPiece what is read at once of an
// answer that goes on.
const (
	record    = 16 << 10
	longPiece = 4 * record
)

// maxLong bounds the memory for long pieces, which slow clients would hold: 32 of each kind take 4 MiB, for which the
// package memory has room. A connection that gets none goes on record by record.
const maxLong = 32

// block holds one TLS record.
type block [record]byte

// lender lends memory of one kind. Most connections are idle most of the time, and hold none then.
type lender[T any] struct {
	pool sync.Pool
	lent atomic.Int64
	// most bounds what is lent; 0 where nothing does.
	most int64
}

var (
	buffers    lender[block]
	longReads  = lender[[longPiece]byte]{most: maxLong}
	longWrites = lender[gathered]{most: maxLong}
)

// get is nil where as much is lent as may be.
func (l *lender[T]) get() *T {
	if lent := l.lent.Add(1); l.most > 0 && lent > l.most {
		l.lent.Add(-1)
		return nil
	}
	if buffer, ok := l.pool.Get().(*T); ok {
		return buffer
	}
	return new(T)
}

// put takes it back; nil is none.
func (l *lender[T]) put(buffer *T) {
	if buffer != nil {
		l.lent.Add(-1)
		l.pool.Put(buffer)
	}
}

// BuffersInUse is how many buffers connections hold at this moment; those that wait for bytes hold none.
func BuffersInUse() int {
	return int(buffers.lent.Load() + longReads.lent.Load() + longWrites.lent.Load())
}

// source is what is copied from. What next gives holds until the next call of any method.
type source interface {
	next() ([]byte, error)
	release()
}

// fromVarnishd takes a block only once there is something to read.
type fromVarnishd struct {
	raw   syscall.RawConn
	block *block
	long  *[longPiece]byte
	// goesOn says that the last read got all that it had room for.
	goesOn bool
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
	buffer := f.take()
	for {
		f.n, f.err = syscall.Read(int(fd), buffer)
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

// take takes memory for a read, more of it where there is much to read.
func (f *fromVarnishd) take() []byte {
	if f.goesOn {
		if f.long = longReads.get(); f.long != nil {
			return f.long[:]
		}
	}
	f.block = buffers.get()
	return f.block[:]
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
	f.goesOn = f.n >= record
	if f.long != nil {
		return f.long[:f.n], nil
	}
	return f.block[:f.n], nil
}

func (f *fromVarnishd) release() {
	buffers.put(f.block)
	longReads.put(f.long)
	f.block, f.long = nil, nil
}

// fromClient waits with a small buffer, which most requests fit in, and takes a block while a client has more to say.
// TLS cannot be asked whether there is something to read.
type fromClient struct {
	conn  io.Reader
	small [2 << 10]byte
	block *block
}

func (f *fromClient) next() ([]byte, error) {
	buffer := f.small[:]
	if f.block != nil {
		buffer = f.block[:]
	}
	n, err := f.conn.Read(buffer)
	switch {
	case n < len(f.small):
		// What is small enough to wait for is kept where that is done.
		copy(f.small[:], buffer[:n])
		f.release()
		buffer = f.small[:]
	case f.block == nil:
		f.block = buffers.get()
	}
	return buffer[:n], err
}

func (f *fromClient) release() {
	buffers.put(f.block)
	f.block = nil
}
