package pod

import (
	"sync"

	"github.com/varnish-gateway/gateway/chaperone/internal/socket"
	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// openSockets tells which sockets take connections: chaperone opens the secure ones, and varnishd's child the others.
type openSockets struct {
	board *status.Board
	all   []socket.Socket

	mu            sync.Mutex
	secure, plain bool
}

// setSecure says whether chaperone takes connections.
func (o *openSockets) setSecure(open bool) { o.set(func() { o.secure = open }) }

// setPlain says whether varnishd does.
func (o *openSockets) setPlain(open bool) { o.set(func() { o.plain = open }) }

func (o *openSockets) set(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
	var open []string
	for _, s := range o.all {
		if (s.Secure() && o.secure) || (!s.Secure() && o.plain) {
			open = append(open, s.Flag())
		}
	}
	o.board.Update(func(s *adminapi.Status) { s.Sockets = open })
}
