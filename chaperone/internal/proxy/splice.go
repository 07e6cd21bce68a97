package proxy

import (
	"errors"
	"io"
	"net"
	"time"
)

// splice copies bytes both ways between a client and varnishd until both ways have ended.
//
// Each way may end on its own, and its end is passed on: a client that has said all it wants to say
// still gets its answer. How long a connection may be idle is varnishd's business: when it ends the
// connection, the client gets a moment to read what is under way, and no more. What is left to us is a
// client that stops reading.
type splice struct {
	client Client
	// raw is the connection below client; the same where there is nothing between.
	raw      net.Conn
	varnishd *net.UnixConn

	writeTimeout  time.Duration
	lingerTimeout time.Duration
}

// run returns when nothing more can be said either way. It closes the connection to varnishd; the
// client's is the caller's to close.
func (s splice) run() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.requests()
	}()
	s.answers()
	<-done
	_ = s.varnishd.Close()
}

// requests copies what the client says.
func (s splice) requests() {
	client := &fromClient{conn: s.client}
	err := transfer(s.varnishd, client, nil)
	switch {
	case err == nil:
		_ = s.varnishd.CloseWrite()
	case errors.Is(err, errWrite):
		// varnishd listens no more. Closing now would make the kernel throw away the answer's end that
		// the client has yet to read; so its words are heard, for as long as answers allows.
		_ = transfer(io.Discard, client, nil)
	default:
		// The client is gone: nobody is left to answer to.
		_ = s.varnishd.Close()
	}
}

// answers copies what varnishd says.
func (s splice) answers() {
	varnishd, err := newFromVarnishd(s.varnishd)
	if err == nil {
		err = transfer(s.client, varnishd, func() {
			_ = s.client.SetWriteDeadline(time.Now().Add(s.writeTimeout))
		})
	}
	if errors.Is(err, errWrite) {
		// The client is gone, or has stopped reading.
		_ = s.raw.Close()
		_ = s.varnishd.Close()
		return
	}
	_ = s.client.SetReadDeadline(time.Now().Add(s.lingerTimeout))
	if err == nil {
		_ = s.client.CloseWrite()
	}
	// Where varnishd broke off, TLS ends without close_notify: what was cut off must not look complete (RFC 8446,
	// section 6.1). It also breaks off when it has answered and will not hear the rest of a request.
	if tcp, ok := s.raw.(interface{ CloseWrite() error }); ok {
		_ = tcp.CloseWrite()
	}
}

// errWrite marks an error of the side that is written to.
var errWrite = errors.New("write")

// transfer copies until src ends, which is no error. It calls beforeWrite, where that is not nil, before
// each write.
func transfer(dst io.Writer, src source, beforeWrite func()) error {
	defer src.release()
	for {
		data, err := src.next()
		if len(data) > 0 {
			if beforeWrite != nil {
				beforeWrite()
			}
			if _, err := dst.Write(data); err != nil {
				return errors.Join(errWrite, err)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
