package proxy

import (
	"container/list"
	"io"
	"sync"
)

// handshakes are those that are under way, the oldest first. The zero value has no room for any.
type handshakes struct {
	limit int

	mu    sync.Mutex
	queue list.List
}

// pending is one handshake that is under way.
type pending struct {
	conn    io.Closer
	gaveWay bool
}

// begin enters a connection; the function that it returns takes it out again, and says whether it had
// to give way in the meantime. Where there are too many, the oldest is closed.
func (h *handshakes) begin(conn io.Closer) (end func() (gaveWay bool)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	element := h.queue.PushBack(&pending{conn: conn})
	if h.queue.Len() > h.limit {
		oldest := h.queue.Remove(h.queue.Front()).(*pending)
		oldest.gaveWay = true
		_ = oldest.conn.Close()
	}
	return func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.queue.Remove(element)
		return element.Value.(*pending).gaveWay
	}
}

func (h *handshakes) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.queue.Len()
}
