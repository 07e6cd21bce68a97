package proxy

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varnish-gateway/gateway/chaperone/internal/eventloop"
)

// record is how much a TLS record holds at most (RFC 8446, section 5.1), and longPiece what is read at once where there
// is that much.
const (
	record    = 16 << 10
	longPiece = 4 * record
)

// maxKept bounds the memory that is kept for those who were sent a long piece and take nothing; beyond it, pieces are of
// one record. Each loop has its share. The package memory has room for it.
const maxKept = 4 << 20

// loop copies the bytes of its share of the connections.
type loop struct {
	*eventloop.Loop
	// in is what was read, and out what is to be written, of the connection in hand.
	in  [longPiece]byte
	out []byte
	// kept is how many bytes are kept for those who take none; share is how many may be of long pieces.
	kept, share int
	// connections is how many it has.
	connections atomic.Int64
}

// piece is how much is to be read at once.
func (l *loop) piece() int {
	if l.kept > l.share {
		return record
	}
	return longPiece
}

// after calls f in the loop's goroutine when d is over.
func (l *loop) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() { l.Post(f) })
}

// loops are as many as can run at once. The zero value has none until one is asked for.
type loops struct {
	mu      sync.Mutex
	all     []*loop
	running sync.WaitGroup
}

// pick gives the loop with the fewest connections.
func (l *loops) pick() (*loop, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for wanted := runtime.GOMAXPROCS(0); len(l.all) < wanted; {
		events, err := eventloop.New()
		if err != nil {
			return nil, err
		}
		l.all = append(l.all, &loop{Loop: events, share: maxKept / wanted})
		l.running.Go(func() {
			if err := events.Run(); err != nil {
				// Only a descriptor that is not one of epoll makes it fail.
				panic(fmt.Errorf("wait for connections: %w", err))
			}
		})
	}
	least := l.all[0]
	for _, other := range l.all[1:] {
		if other.connections.Load() < least.connections.Load() {
			least = other
		}
	}
	return least, nil
}

// stop ends all loops, and waits until they have.
func (l *loops) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, loop := range l.all {
		loop.Stop()
	}
	l.running.Wait()
	l.all = nil
}
