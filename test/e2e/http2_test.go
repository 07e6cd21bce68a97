package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// field of a header of HTTP/2, as it is written: nothing is checked or put in order.
type field struct{ name, value string }

// message is a request of HTTP/2. A nil body is none.
type message struct {
	fields, trailers []field
	body             *string
}

// rawStream is what became of a stream of a connection.
type rawStream struct {
	status, body string
	// fields of the answer.
	fields []field
	// end is "whole", "reset CODE", "goaway CODE" or "closed".
	end string
}

func (s rawStream) String() string { return fmt.Sprintf("status %q, %s", s.status, s.end) }

// refused tells whether the gateway said no, in any of the ways that HTTP/2 has.
func (s rawStream) refused() bool {
	return strings.HasPrefix(s.status, "4") || s.status == "501" || s.status == "" && s.end != "whole"
}

// rawHTTP2 speaks frames on one connection.
type rawHTTP2 struct {
	g      *gateway
	conn   net.Conn
	framer *http2.Framer
	block  bytes.Buffer
	hpack  *hpack.Encoder
	// stream that the next request is sent on.
	stream uint32
	// progress is told of the answer's head, and of how many bytes of its body there are.
	progress func(bytes int)
}

func (g *gateway) connectHTTP2(scheme string) *rawHTTP2 {
	g.t.Helper()
	conn := g.connect(scheme, "h2")
	_, err := io.WriteString(conn, http2.ClientPreface)
	require.NoError(g.t, err)
	c := &rawHTTP2{g: g, conn: conn, framer: http2.NewFramer(conn, conn), stream: 1, progress: func(int) {}}
	c.framer.AllowIllegalWrites = true
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.hpack = hpack.NewEncoder(&c.block)
	require.NoError(g.t, c.framer.WriteSettings())
	return c
}

// send writes a request. The gateway may give up the connection while it does, so that a failure to write is none.
func (c *rawHTTP2) send(m message) {
	if c.headers(m.fields, m.body == nil && m.trailers == nil) != nil {
		return
	}
	if m.body != nil && c.framer.WriteData(c.stream, m.trailers == nil, []byte(*m.body)) != nil {
		return
	}
	if m.trailers != nil {
		_ = c.headers(m.trailers, true)
	}
}

func (c *rawHTTP2) headers(fields []field, end bool) error {
	c.block.Reset()
	for _, f := range fields {
		if err := c.hpack.WriteField(hpack.HeaderField{Name: f.name, Value: f.value}); err != nil {
			return err
		}
	}
	return c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: c.stream, BlockFragment: c.block.Bytes(), EndStream: end, EndHeaders: true})
}

// receive reads until a stream or the connection ends.
func (c *rawHTTP2) receive() rawStream {
	var s rawStream
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			require.False(c.g.t, isTimeout(err), "nothing became of the stream")
			var malformed http2.StreamError
			require.False(c.g.t, errors.As(err, &malformed), "the gateway's own header is malformed: %v", err)
			if s.end == "" {
				s.end = "closed"
			}
			return s
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = c.framer.WriteSettingsAck()
			}
		case *http2.MetaHeadersFrame:
			if status := f.PseudoValue("status"); status != "" {
				s.status = status
				for _, f := range f.RegularFields() {
					s.fields = append(s.fields, field{f.Name, f.Value})
				}
				c.progress(0)
			}
			if f.StreamEnded() {
				s.end = "whole"
				return s
			}
		case *http2.DataFrame:
			s.body += string(f.Data())
			if len(f.Data()) > 0 {
				c.progress(len(s.body))
				for _, id := range []uint32{0, f.StreamID} {
					_ = c.framer.WriteWindowUpdate(id, uint32(len(f.Data())))
				}
			}
			if f.StreamEnded() {
				s.end = "whole"
				return s
			}
		case *http2.RSTStreamFrame:
			s.end = "reset " + f.ErrCode.String()
			return s
		case *http2.GoAwayFrame:
			s.end = "goaway " + f.ErrCode.String()
		}
	}
}

// exchangeHTTP2 sends one request on a connection of its own.
func (g *gateway) exchangeHTTP2(scheme string, m message) rawStream {
	g.t.Helper()
	c := g.connectHTTP2(scheme)
	defer c.conn.Close()
	c.send(m)
	return c.receive()
}
