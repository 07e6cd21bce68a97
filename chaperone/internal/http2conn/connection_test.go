package http2conn

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
)

// frames gives the bytes of what write writes.
func frames(t testing.TB, write func(*http2.Framer) error) []byte {
	var b bytes.Buffer
	framer := http2.NewFramer(&b, nil)
	framer.AllowIllegalWrites = true
	require.NoError(t, write(framer))
	return b.Bytes()
}

// now is when everything is said that has no time of its own.
var now = time.Now()

func settings(f *http2.Framer) error { return f.WriteSettings() }

func ping(ack bool, payload [8]byte) func(*http2.Framer) error {
	return func(f *http2.Framer) error { return f.WritePing(ack, payload) }
}

func headers(stream uint32, endStream, endHeaders bool) func(*http2.Framer) error {
	return func(f *http2.Framer) error {
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: []byte("fields"), EndStream: endStream, EndHeaders: endHeaders})
	}
}

func continuation(stream uint32) func(*http2.Framer) error {
	return func(f *http2.Framer) error { return f.WriteContinuation(stream, true, []byte("more")) }
}

func data(stream uint32, end bool) func(*http2.Framer) error {
	return func(f *http2.Framer) error { return f.WriteData(stream, end, []byte("body")) }
}

func reset(stream uint32) func(*http2.Framer) error {
	return func(f *http2.Framer) error { return f.WriteRSTStream(stream, http2.ErrCodeCancel) }
}

// started is a connection whose preface and SETTINGS have gone by.
func started(t testing.TB) *Connection {
	c := &Connection{}
	assert.Equal(t, http2.ClientPreface, string(c.FromClient([]byte(http2.ClientPreface), now)))
	c.FromClient(frames(t, settings), now)
	_, insert := c.FromServer(frames(t, settings), now)
	assert.Nil(t, insert)
	return c
}

func TestAConnectionIsIdleOnceItsStreamsHaveEnded(t *testing.T) {
	type step = func(*http2.Framer) error
	tests := map[string]struct {
		client, server []step
		idle           bool
	}{
		"a request without its answer":            {[]step{headers(1, true, true)}, nil, false},
		"the head of an answer":                   {[]step{headers(1, true, true)}, []step{headers(1, false, true)}, false},
		"an answer with a body":                   {[]step{headers(1, true, true)}, []step{headers(1, false, true), data(1, false), data(1, true)}, true},
		"an answer without a body":                {[]step{headers(1, true, true)}, []step{headers(1, true, true)}, true},
		"an answer that ends in trailers":         {[]step{headers(1, true, true)}, []step{headers(1, false, true), data(1, false), headers(1, true, true)}, true},
		"one of two":                              {[]step{headers(1, true, true), headers(3, true, true)}, []step{headers(3, true, true)}, false},
		"a stream that the client reset":          {[]step{headers(1, true, true), reset(1)}, nil, true},
		"a stream that the server reset":          {[]step{headers(1, true, true)}, []step{reset(1)}, true},
		"trailers of a request open no stream":    {[]step{headers(1, false, true), data(1, false), headers(1, true, true)}, []step{headers(1, true, true)}, true},
		"a request in several frames":             {[]step{headers(1, true, false), continuation(1)}, nil, false},
		"an interim answer does not end a stream": {[]step{headers(1, true, true)}, []step{headers(1, false, true)}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := started(t)
			for _, step := range test.client {
				c.FromClient(frames(t, step), now)
			}
			for _, step := range test.server {
				c.FromServer(frames(t, step), now)
			}
			_, idle := c.Idle()
			assert.False(t, idle, "nobody asked for the end")
			c.Drain()
			assert.Equal(t, goAway, c.Tell())
			_, idle = c.Idle()
			assert.False(t, idle, "the client may not have heard of it")
			assert.Empty(t, c.FromClient(frames(t, ping(true, drainPing)), now), "the server hears nothing of our PING")
			_, idle = c.Idle()
			assert.Equal(t, test.idle, idle)
		})
	}
}

func TestTheClientIsToldBetweenTwoFrames(t *testing.T) {
	whole := slices.Concat(frames(t, headers(1, false, false)), frames(t, continuation(1)), frames(t, data(1, true)))
	afterBlock := len(whole) - len(frames(t, data(1, true)))
	for cut := 1; cut < len(whole); cut++ {
		c := started(t)
		c.FromClient(frames(t, headers(1, true, true)), now)
		c.FromServer(whole[:cut], now)
		c.Drain()
		if cut == afterBlock {
			assert.Equal(t, goAway, c.Tell(), "the block has just ended")
			continue
		}
		assert.Nil(t, c.Tell(), "%d bytes are in the middle of a frame or of a header block", cut)
		at, insert := c.FromServer(whole[cut:], now)
		if cut < afterBlock {
			assert.Equal(t, goAway, insert)
			assert.Equal(t, afterBlock, cut+at, "behind the whole block (RFC 9113, section 6.10)")
			continue
		}
		assert.Nil(t, insert)
		assert.Equal(t, goAway, c.Tell(), "behind the last frame")
		assert.Nil(t, c.Tell(), "once")
	}
}

func TestTheServersSettingsComeFirst(t *testing.T) {
	c := &Connection{}
	c.Drain()
	assert.Nil(t, c.Tell(), "the server has said nothing yet (RFC 9113, section 3.4)")
	c.FromClient(slices.Concat([]byte(http2.ClientPreface), frames(t, settings), frames(t, headers(1, true, true))), now)
	assert.Nil(t, c.Tell(), "nor now")
	at, insert := c.FromServer(slices.Concat(frames(t, settings), frames(t, settings)), now)
	assert.Equal(t, goAway, insert)
	assert.Equal(t, len(frames(t, settings)), at)
}

func TestAClientIsToldAfterItsFirstRequest(t *testing.T) {
	c := started(t)
	c.Drain()
	assert.False(t, c.due(), "it would take the connection for one that was never made")
	c.FromClient(frames(t, headers(1, true, true)), now)
	assert.True(t, c.due())
}

func TestWhatIsNotHTTP2GoesByUntouched(t *testing.T) {
	c := &Connection{}
	for _, piece := range []string{"PRI * HTTP/1.1\r\n", "Host: www.example.com\r\n\r\n"} {
		assert.Equal(t, piece, string(c.FromClient([]byte(piece), now)))
	}
	c.Drain()
	_, insert := c.FromServer([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), now)
	assert.Nil(t, insert)
	assert.Nil(t, c.Tell())
	_, idle := c.Idle()
	assert.False(t, idle)
}

// In whatever pieces the client's words come, the server hears all of them but the answer to our PING.
func TestTheServerHearsAllButTheAnswer(t *testing.T) {
	theirs := [8]byte{'t', 'h', 'e', 'i', 'r', 's'}
	before := slices.Concat([]byte(http2.ClientPreface), frames(t, settings), frames(t, headers(1, false, true)))
	after := slices.Concat(frames(t, data(1, false)), frames(t, ping(false, theirs)), frames(t, ping(true, theirs)),
		frames(t, func(f *http2.Framer) error { return f.WriteRawFrame(http2.FramePing, http2.FlagPingAck, 0, nil) }),
		frames(t, func(f *http2.Framer) error {
			return f.WriteRawFrame(http2.FramePing, http2.FlagPingAck, 0, make([]byte, 40))
		}))
	rest := slices.Concat(frames(t, ping(true, drainPing)), frames(t, data(1, true)))
	said := slices.Concat(before, after, frames(t, ping(true, drainPing)), rest)
	want := slices.Concat(before, after, rest)
	// The second answer with our payload is none of ours: it goes on, and the server makes of it what it will.
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 0))
		c := &Connection{}
		c.FromServer(frames(t, settings), now)
		c.Drain()
		sent := len(before) + random.IntN(len(after))
		var heard []byte
		for done := 0; done < len(said); {
			if done >= sent {
				c.Tell()
			}
			n := min(1+random.IntN(30), len(said)-done)
			if done < sent {
				n = min(n, sent-done)
			}
			heard = append(heard, c.FromClient(slices.Clone(said[done:done+n]), now)...)
			done += n
		}
		require.Equal(t, want, heard, "seed %d", seed)
		assert.True(t, c.acknowledged)
	}
}

// Whatever both sides say, what goes on is what was said, but for what is ours.
func FuzzConnection(f *testing.F) {
	f.Add([]byte(http2.ClientPreface), frames(f, settings), 3)
	f.Add(slices.Concat([]byte(http2.ClientPreface), frames(f, headers(1, true, true))), frames(f, data(1, true)), 1)
	f.Fuzz(func(t *testing.T, client, server []byte, size int) {
		size = 1 + size&31
		c := &Connection{}
		c.Drain()
		var heard, sent []byte
		for piece := range slices.Chunk(server, size) {
			at, insert := c.FromServer(piece, now)
			sent = slices.Concat(sent, piece[:at], insert, piece[at:])
		}
		sent = append(sent, c.Tell()...)
		for piece := range slices.Chunk(client, size) {
			heard = append(heard, c.FromClient(slices.Clone(piece), now)...)
		}
		require.Equal(t, string(server), string(bytes.Replace(sent, goAway, nil, 1)))
		if c.acknowledged {
			require.Less(t, len(heard), len(client))
		} else {
			require.Equal(t, string(client[:len(client)-len(c.kept)]), string(heard))
		}
	})
}
