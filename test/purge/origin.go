package purge

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// origin serves the objects: a small body, and the tags.
type origin struct {
	server  *http.Server
	address netip.AddrPort
	asked   atomic.Int64
	sizes   []int
}

func startOrigin(sizes []int) (*origin, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &origin{address: listener.Addr().(*net.TCPAddr).AddrPort(), sizes: sizes}
	o.server = &http.Server{Handler: o}
	go func() { _ = o.server.Serve(listener) }() // ends with stop
	return o, nil
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	object, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	o.asked.Add(1)
	var tags []string
	for _, size := range o.sizes {
		tags = append(tags, tag(size, object))
	}
	w.Header().Set("Cache-Control", "max-age=86400")
	w.Header().Set("Surrogate-Key", strings.Join(tags, " "))
	text := body(time.Now())
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text) // a client that has gone needs nothing
}

func (o *origin) stop() error {
	if err := o.server.Close(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
