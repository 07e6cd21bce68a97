package proxy

import (
	"cmp"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/varnish-gateway/gateway/chaperone/internal/http2conn"
)

// splice copies bytes both ways between a client and varnishd until both ways have ended.
//
// Each way may end on its own, and its end is passed on: a client that has said all it wants to say
// still gets its answer. How long a connection may be idle is varnishd's business: when it ends the
// connection, the client gets a moment to read what is under way, and no more. What is left to us is a
// client that stops reading.
type splice struct {
	client Client
	// requests is what the client says.
	requests *fromClient
	// below is what client writes to, where it is not that itself.
	below *Conn
	// raw is the connection below client; the same where there is nothing between.
	raw      net.Conn
	varnishd *net.UnixConn
	// http2 follows the frames of a connection that speaks HTTP/2; nil for any other.
	http2 *http2conn.Connection

	writeTimeout  time.Duration
	lingerTimeout time.Duration

	// write is held while something is written to the client.
	write sync.Mutex
	// extended is when the client was last given its time to take what is written.
	extended time.Time
}

// run returns when nothing more can be said either way. It closes the connection to varnishd; the
// client's is the caller's to close.
func (s *splice) run() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.copyRequests()
	}()
	s.copyAnswers()
	<-done
	_ = s.varnishd.Close()
}

// copyRequests copies what the client says.
func (s *splice) copyRequests() {
	err := transfer(s.requests, s.toVarnishd)
	switch {
	case err == nil:
		_ = s.varnishd.CloseWrite()
	case errors.Is(err, errWrite):
		// varnishd listens no more. Closing now would make the kernel throw away the answer's end that
		// the client has yet to read; so its words are heard, for as long as copyAnswers allows.
		_ = transfer(s.requests, func([]byte) error { return nil })
	default:
		// The client is gone: nobody is left to answer to.
		_ = s.varnishd.Close()
	}
}

func (s *splice) toVarnishd(data []byte) error {
	if s.http2 == nil {
		_, err := s.varnishd.Write(data)
		return err
	}
	if data = s.http2.FromClient(data); len(data) > 0 {
		if _, err := s.varnishd.Write(data); err != nil {
			return err
		}
	}
	s.endWhenIdle()
	if s.http2.Due() {
		// A client that takes nothing is heard all the same.
		go func() { _ = s.tellClient() }()
	}
	return nil
}

// copyAnswers copies what varnishd says.
func (s *splice) copyAnswers() {
	varnishd, err := newFromVarnishd(s.varnishd)
	if err == nil {
		err = transfer(varnishd, s.toClient)
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

func (s *splice) toClient(data []byte) error {
	if s.http2 == nil {
		return s.writeAll(data)
	}
	if err := s.framesToClient(data); err != nil {
		return err
	}
	s.endWhenIdle()
	// A drain may have been asked for while this was written.
	return s.tellClient()
}

func (s *splice) framesToClient(data []byte) error {
	s.write.Lock()
	defer s.write.Unlock()
	at, insert := s.http2.FromServer(data)
	if insert == nil {
		return s.writeAll(data)
	}
	return s.writeAll(data[:at], insert, data[at:])
}

// writeAll writes to the client, which has writeTimeout to take it. The time is given anew once a good part of it is
// over, and not for each piece.
func (s *splice) writeAll(pieces ...[]byte) error {
	if now := time.Now(); now.Sub(s.extended) > s.writeTimeout/extensions {
		s.extended = now
		_ = s.client.SetWriteDeadline(now.Add(s.writeTimeout))
	}
	for _, piece := range pieces {
		if len(piece) == 0 {
			continue
		}
		if err := s.writePiece(piece); err != nil {
			return err
		}
	}
	return nil
}

func (s *splice) writePiece(piece []byte) error {
	if len(piece) <= record {
		_, err := s.client.Write(piece)
		return err
	}
	s.below.gather()
	_, err := s.client.Write(piece)
	return cmp.Or(err, s.below.flush())
}

// extensions is how often the client's time to take an answer is given anew within that time.
const extensions = 8

// errWrite marks an error of the side that is written to.
var errWrite = errors.New("write")

// transfer gives write all that src says until it ends, which is no error.
func transfer(src source, write func([]byte) error) error {
	defer src.release()
	for {
		data, err := src.next()
		if len(data) > 0 {
			if err := write(data); err != nil {
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
