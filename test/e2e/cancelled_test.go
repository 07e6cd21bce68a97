package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A page with a map cancels the tiles that it has asked for each time that it is moved. That must not cost it the
// connection; over TLS, more of it than any page does must (CVE-2023-44487). On plain listeners nobody counts.
func TestCancelledStreams(t *testing.T) {
	one := startBackend(t, "one")
	g := startGateway(t, simpleFiles(one.port))
	g.await("the route", func() error { return g.from("one", "http://a.example/") })
	for scheme, counts := range map[string]bool{"https": true, "http": false} {
		t.Run(scheme, func(t *testing.T) {
			c := g.connectHTTP2(scheme)
			defer c.conn.Close()
			id := uint32(1)
			// Twenty moves of fifty tiles.
			for range 20 {
				for range 50 {
					require.NoError(t, c.ask(id, "/tile"))
					require.NoError(t, c.framer.WriteRSTStream(id, http2.ErrCodeCancel))
					id += 2
				}
				require.NoError(t, c.ask(id, "/"))
				assert.Equal(t, "200", c.statusOf(id), "after %d tiles that were cancelled", id/2)
				id += 2
			}
			for range 2000 {
				// The gateway gives the connection up meanwhile.
				_ = c.ask(id, "/tile")
				_ = c.framer.WriteRSTStream(id, http2.ErrCodeCancel)
				id += 2
			}
			_ = c.ask(id, "/")
			assert.Equal(t, counts, c.statusOf(id) != "200", "the connection is closed")
		})
	}
}

// ask makes a request without a body.
func (c *rawHTTP2) ask(stream uint32, path string) error {
	c.block.Reset()
	for _, f := range []field{{":method", "GET"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", path}} {
		if err := c.hpack.WriteField(hpack.HeaderField{Name: f.name, Value: f.value}); err != nil {
			return err
		}
	}
	return c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: c.block.Bytes(), EndStream: true, EndHeaders: true})
}

// statusOf waits for the whole answer of a stream, and gives its status or how the connection ended.
func (c *rawHTTP2) statusOf(stream uint32) string {
	status := ""
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return err.Error()
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			if f.StreamID == stream {
				status = f.PseudoValue("status")
				if f.StreamEnded() {
					return status
				}
			}
		case *http2.DataFrame:
			_ = c.framer.WriteWindowUpdate(0, max(1, f.Length))
			if f.StreamID == stream && f.StreamEnded() {
				return status
			}
		case *http2.GoAwayFrame:
			return "goaway " + f.ErrCode.String()
		}
	}
}
