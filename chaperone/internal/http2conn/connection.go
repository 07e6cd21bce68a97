// Package http2conn follows the frames of an HTTP/2 connection that others speak, so that it can be drained: the client
// is told to open no more streams, and the connection ends once those that are open have (RFC 9113, section 6.8).
//
// It is pure: what it is given are the bytes of both sides, in pieces of any size, and what it gives are those that are
// to go on. It adds two frames to what the server says, GOAWAY with the highest stream and PING, and takes the answer
// to that PING out of what the client says: it proves that the client knows of the GOAWAY, and so that every stream
// which it opened before is known. Neither frame belongs to a stream, counts for flow control, or has compressed fields.
package http2conn

import (
	"bytes"
	"time"

	"golang.org/x/net/http2"
)

// drainPing is the payload by which the answer to our PING is known.
var drainPing = [8]byte{'v', 'g', '-', 'd', 'r', 'a', 'i', 'n'}

// lastStream stands for every stream that the client can have opened.
const lastStream = 1<<31 - 1

// goAway is what the client is told of a drain, calmDown where it resets too many streams.
var (
	goAway = written(func(f *http2.Framer) {
		_ = f.WriteGoAway(lastStream, http2.ErrCodeNo, nil)
		_ = f.WritePing(false, drainPing)
	})
	calmDown = written(func(f *http2.Framer) { _ = f.WriteGoAway(lastStream, http2.ErrCodeEnhanceYourCalm, nil) })
)

// written gives the bytes of frames. Writing to memory does not fail.
func written(write func(*http2.Framer)) []byte {
	var b bytes.Buffer
	write(http2.NewFramer(&b, nil))
	return b.Bytes()
}

// Connection is what is known of one connection. It is for one goroutine at a time; the zero value is one of which
// nothing was said yet.
type Connection struct {
	client, server scanner
	// prefaced is how much of the client's preface was seen. opaque says that it was another: then nothing is known.
	prefaced int
	opaque   bool
	// greeted says that the server's first frame has gone by, which must be SETTINGS (RFC 9113, section 3.4).
	greeted bool
	// open are the streams without an end of the answer; opened is the highest that there was.
	open   []stream
	opened uint32
	resets resets
	// wanted says that the connection is to be drained, sent that the client was sent GOAWAY, acknowledged that it has
	// answered.
	wanted, sent, acknowledged bool
	// kept is the beginning of a frame that may be the answer to our PING.
	kept []byte
}

// Drain asks for the connection's end; see Tell.
func (c *Connection) Drain() {
	c.wanted = true
}

// due says whether the client can be told of the drain at this moment: between two frames of the server, and once it
// has opened a stream. Clients take a GOAWAY before their first request for a connection that was never made, and fail
// the request that they made it for.
func (c *Connection) due() bool {
	return c.wanted && !c.sent && !c.opaque && c.greeted && c.opened > 0 && c.server.atBoundary()
}

// Tell gives what the client is to be told of a drain, where this is the moment for it; otherwise nothing.
func (c *Connection) Tell() []byte {
	if !c.due() {
		return nil
	}
	c.sent = true
	return goAway
}

// Idle says whether the client knows of the drain and no stream is open. opened tells one such moment from a later one.
func (c *Connection) Idle() (opened uint32, idle bool) {
	return c.opened, c.acknowledged && len(c.open) == 0
}

// FromServer notes what the server says, now. Where the client is to be told of a drain in the middle of it, insert is what
// it is told, behind the first at bytes.
func (c *Connection) FromServer(data []byte, now time.Time) (at int, insert []byte) {
	if c.opaque {
		return 0, nil
	}
	for done := 0; done < len(data); {
		if insert == nil && c.due() {
			c.sent, at, insert = true, done, goAway
		}
		n, _, ended := c.server.next(data[done:])
		done += n
		if ended {
			c.greeted = true
			c.answered(c.server.current, now)
		}
	}
	return at, insert
}

// answered notes a frame of the server that is complete.
func (c *Connection) answered(f frame, now time.Time) {
	switch f.kind {
	case http2.FrameRSTStream:
		_, wasOpen := c.end(f.stream)
		c.resets.byServer(wasOpen, now)
	case http2.FrameData:
		if f.has(http2.FlagDataEndStream) {
			c.end(f.stream)
		}
	case http2.FrameHeaders:
		// A block that goes on in CONTINUATION ends a stream as well: the few bytes that follow it are on their way.
		if f.has(http2.FlagHeadersEndStream) {
			c.end(f.stream)
		}
	}
}

// FromClient notes what the client says, now, and gives what the server is to hear of it. The result holds until the next
// call; data may be changed.
func (c *Connection) FromClient(data []byte, now time.Time) []byte {
	skip := c.preface(data)
	if c.opaque {
		return data
	}
	if !c.sent || c.acknowledged {
		c.note(data[skip:], now)
		return data
	}
	return c.withoutAnswer(data, skip, now)
}

// preface compares what the client says first with what it must say, and gives how much of data that is.
func (c *Connection) preface(data []byte) int {
	n := min(len(http2.ClientPreface)-c.prefaced, len(data))
	if string(data[:n]) != http2.ClientPreface[c.prefaced:c.prefaced+n] {
		c.opaque = true
	}
	c.prefaced += n
	return n
}

func (c *Connection) note(data []byte, now time.Time) {
	for len(data) > 0 {
		n, begun, ended := c.client.next(data)
		data = data[n:]
		c.asked(begun, ended, now)
	}
}

// asked notes a frame of the client.
func (c *Connection) asked(begun, ended bool, now time.Time) {
	f := c.client.current
	switch {
	case begun && f.kind == http2.FrameHeaders && f.stream%2 == 1 && f.stream > c.opened:
		c.opened = f.stream
		c.open = append(c.open, stream{f.stream, now})
	case ended && f.kind == http2.FrameRSTStream:
		if s, wasOpen := c.end(f.stream); wasOpen {
			c.resets.byClient(s, now)
		}
	}
}

// withoutAnswer notes what the client says while its answer to our PING is awaited, and takes that out. The beginning of
// a frame that may be the answer is kept back until it is clear: until its header is whole or, of an answer to a PING,
// the frame.
func (c *Connection) withoutAnswer(data []byte, skip int, now time.Time) []byte {
	rest := data[skip:]
	// What is kept goes on before this piece. A frame that had begun before the client was told is no answer.
	forward := append([]byte(nil), data[:skip]...)
	for len(rest) > 0 {
		fresh := c.client.have == 0
		n, begun, ended := c.client.next(rest)
		piece := rest[:n]
		rest = rest[n:]
		c.asked(begun, ended, now)
		if c.acknowledged || (!fresh && c.kept == nil) {
			forward = append(forward, piece...)
			continue
		}
		c.kept = append(c.kept, piece...)
		f := c.client.current
		switch {
		case len(c.kept) < headerLength, f.kind == http2.FramePing && f.has(http2.FlagPingAck) && !ended && len(c.kept) < headerLength+len(drainPing):
			continue
		case ended && f.kind == http2.FramePing && f.has(http2.FlagPingAck) && bytes.Equal(c.kept[headerLength:], drainPing[:]):
			c.acknowledged = true
		default:
			forward = append(forward, c.kept...)
		}
		c.kept = nil
	}
	return forward
}
