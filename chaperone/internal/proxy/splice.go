package proxy

import (
	"errors"
	"io"
	"time"

	"github.com/varnish-gateway/gateway/chaperone/internal/eventloop"
	"github.com/varnish-gateway/gateway/chaperone/internal/http2conn"
)

// splice copies bytes both ways between a client and varnishd until both ways have ended. Its loop calls it when there is
// something to do; nothing of it waits.
//
// Each way may end on its own, and its end is passed on: a client that has said all it wants to say
// still gets its answer. How long a connection may be idle is varnishd's business: when it ends the
// connection, the client gets a moment to read what is under way, and no more. What is left to us is a
// client that stops reading.
type splice struct {
	*loop
	client   Client
	below    *transport
	varnishd *nonblocking
	// http2 follows the frames of a connection that speaks HTTP/2; nil for any other.
	http2 *http2conn.Connection

	writeTimeout, lingerTimeout time.Duration
	// requests and answers say how far each way has come.
	requests, answers progress
	// patience runs out for a client that takes nothing, or that has been told the end.
	patience patience
	// excessive is called where a client resets too many streams.
	excessive func()
	// done is called once, when the connections are closed.
	done func()
	over bool
}

// progress is that of one way.
type progress int

const (
	copying progress = iota
	// unheard is a way whose words nobody takes any more.
	unheard
	ended
)

// turns is how many pieces are copied one way before others have their turn. A client's piece has records at most: many
// small ones take as long as a few large ones.
const (
	turns   = 8
	records = 16
)

// maxUntaken is how much may be kept for a client that is still heard. An answer's piece alone is less; but TLS answers a
// client by itself where it wants new keys (RFC 8446, section 4.6.3), as often as it does.
const maxUntaken = 2 * longPiece

// join begins to copy. It is the loop's to call, as everything that follows.
func (s *splice) join() {
	if s.over {
		return
	}
	err := s.below.socket.join(s.loop, s.clientChanged)
	if err == nil {
		err = s.varnishd.join(s.loop, s.varnishdChanged)
	}
	if err != nil {
		s.finish()
		return
	}
	s.below.out = &s.out
	s.step()
}

func (s *splice) clientChanged(events eventloop.Events) {
	progress, err := s.below.socket.writeKept()
	if err != nil || events.Failed() {
		// The client is gone: nobody is left to answer to.
		s.finish()
		return
	}
	if progress {
		s.waitForClient()
	}
	s.step()
}

func (s *splice) varnishdChanged(eventloop.Events) {
	if _, err := s.varnishd.writeKept(); err != nil {
		s.deaf()
	}
	s.step()
}

// step copies what there is.
func (s *splice) step() {
	if s.over {
		return
	}
	more := s.copyRequests()
	if !s.over {
		more = s.copyAnswers() || more
	}
	switch {
	case s.over:
	case s.requests == ended && s.answers == ended && !s.below.socket.full() && !s.varnishd.full():
		s.finish()
	case more:
		s.Again(s.step)
	}
}

// copyRequests copies what the client says. It says whether there may be more.
func (s *splice) copyRequests() (more bool) {
	for range turns {
		if s.over || s.requests == ended || s.varnishd.full() || len(s.below.socket.kept) > maxUntaken {
			return false
		}
		data, err := s.fromClient(s.in[:s.piece()])
		if len(data) > 0 && s.requests == copying {
			s.toVarnishd(data)
		}
		// TLS may have had something to say of its own.
		s.flush()
		switch {
		case err == nil:
			continue
		case errors.Is(err, errNothingYet):
		case errors.Is(err, io.EOF):
			s.requests = ended
			s.varnishd.closeWrite()
		default:
			s.finish()
		}
		return false
	}
	return true
}

// fromClient gives some of what the client has said, as far as there is room for it. Data may come with an error.
func (s *splice) fromClient(room []byte) ([]byte, error) {
	n := 0
	for i := 0; i < records && n < len(room); i++ {
		read, err := s.client.Read(room[n:])
		n += read
		if err != nil {
			return room[:n], err
		}
	}
	return room[:n], nil
}

func (s *splice) toVarnishd(data []byte) {
	if s.http2 != nil {
		data = s.http2.FromClient(data, time.Now())
		s.endWhereExcessive()
	}
	if s.over {
		return
	}
	if len(data) > 0 {
		if err := s.varnishd.write(data); err != nil {
			s.deaf()
			return
		}
	}
	if s.http2 != nil {
		s.endWhenIdle()
		s.tellClient()
	}
}

// deaf notes that varnishd listens no more. Closing now would make the kernel throw away the answer's end that the
// client has yet to read; so its words are heard, for as long as copyAnswers allows.
func (s *splice) deaf() {
	s.varnishd.drop()
	if s.requests == copying {
		s.requests = unheard
	}
}

// copyAnswers copies what varnishd says. It says whether there may be more.
func (s *splice) copyAnswers() (more bool) {
	for range turns {
		if s.answers == ended || s.below.socket.full() {
			return false
		}
		n, err := s.varnishd.Read(s.in[:s.piece()])
		if n > 0 {
			s.toClient(s.in[:n])
		}
		if s.over || errors.Is(err, errNothingYet) {
			return false
		}
		if err != nil {
			s.endAnswers(errors.Is(err, io.EOF))
			return false
		}
	}
	return true
}

// endAnswers tells the client that nothing more comes.
func (s *splice) endAnswers(complete bool) {
	if complete {
		_ = s.client.CloseWrite()
	}
	// Where varnishd broke off, TLS ends without close_notify: what was cut off must not look complete (RFC 8446,
	// section 6.1). It also breaks off when it has answered and will not hear the rest of a request.
	s.flush()
	s.answers = ended
	if !s.over {
		s.below.socket.closeWrite()
		s.waitForClient()
	}
}

func (s *splice) toClient(data []byte) {
	if s.http2 == nil {
		s.write(data)
		return
	}
	if at, insert := s.http2.FromServer(data, time.Now()); insert != nil {
		s.write(data[:at])
		s.write(insert)
		data = data[at:]
	}
	s.write(data)
	s.endWhereExcessive()
	if !s.over {
		s.endWhenIdle()
	}
}

// write writes to the client.
func (s *splice) write(data []byte) {
	if s.over || len(data) == 0 {
		return
	}
	if _, err := s.client.Write(data); err != nil {
		s.finish()
		return
	}
	s.flush()
}

// flush gives the socket what TLS has made.
func (s *splice) flush() {
	if s.answers == ended {
		// Nothing follows the end: what TLS has to say to a client that still talks is not said.
		s.out = s.out[:0]
	}
	if s.over {
		return
	}
	waited := s.below.socket.full()
	if err := s.below.flush(); err != nil {
		s.finish()
		return
	}
	if !waited && s.below.socket.full() {
		s.waitForClient()
	}
}

// waitForClient gives the client its time to take what is kept for it, or to read the end.
func (s *splice) waitForClient() {
	switch {
	case s.below.socket.full():
		s.patience.wait(s, s.writeTimeout)
	case s.answers == ended:
		s.patience.wait(s, s.lingerTimeout)
	default:
		s.patience.end()
	}
}

// finish closes both connections.
func (s *splice) finish() {
	if s.over {
		return
	}
	s.over = true
	s.patience.stop()
	s.below.socket.close()
	s.varnishd.close()
	s.out = s.out[:0]
	s.done()
}
