package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/varnish-gateway/gateway/test/process"
	"github.com/varnish-gateway/gateway/test/recorder"
	"github.com/varnish-gateway/gateway/test/stack"
)

// burst is a part of a flood, which is sent at once.
type burst struct {
	bytes.Buffer
	*http2.Framer
	block   bytes.Buffer
	encoder *hpack.Encoder
	// stream is the last that was opened.
	stream uint32
}

func newBurst() *burst {
	b := &burst{}
	b.Framer = http2.NewFramer(&b.Buffer, nil)
	b.AllowIllegalWrites = true
	b.encoder = hpack.NewEncoder(&b.block)
	return b
}

// headers of a request on the next stream; flags say what ends with them. Failures to write to memory are none.
func (b *burst) headers(path string, endStream, endHeaders bool, more ...hpack.HeaderField) {
	b.block.Reset()
	for _, f := range append([]hpack.HeaderField{
		{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "http"}, {Name: ":authority", Value: "a.example"}, {Name: ":path", Value: path},
	}, more...) {
		_ = b.encoder.WriteField(f)
	}
	b.stream += 2
	if b.stream == 2 {
		b.stream = 1
	}
	_ = b.WriteHeaders(http2.HeadersFrameParam{StreamID: b.stream, BlockFragment: b.block.Bytes(), EndStream: endStream, EndHeaders: endHeaders})
}

// flood is what a client sends that means harm.
type flood struct {
	// first is sent once, then each again and again.
	first, each func(b *burst)
	// frames is how often each is sent.
	frames int
	// requests of one connection may be at the backend at once: streams, and those that were reset.
	requests int64
}

// streamLimit is what varnishd lets a connection have open, resetLimit how many it may reset at once.
const streamLimit, resetLimit = 100, 2000

// floods, most of which have a name (CVE).
var floods = map[string]flood{
	"rapid reset (CVE-2023-44487)": {frames: 10_000, requests: streamLimit + resetLimit, each: func(b *burst) {
		b.headers("/hold", true, true)
		_ = b.WriteRSTStream(b.stream, http2.ErrCodeCancel)
	}},
	"made you reset, by a window (CVE-2025-8671)": {frames: 10_000, requests: streamLimit + resetLimit, each: func(b *burst) {
		b.headers("/hold", true, true)
		_ = b.WriteRawFrame(http2.FrameWindowUpdate, 0, b.stream, make([]byte, 4))
	}},
	"made you reset, by data behind the end (CVE-2025-8671)": {frames: 10_000, requests: streamLimit + resetLimit, each: func(b *burst) {
		b.headers("/hold", true, true)
		_ = b.WriteData(b.stream, true, []byte("x"))
	}},
	"made you reset, by a window that overflows (CVE-2025-8671)": {frames: 10_000, requests: streamLimit + resetLimit, each: func(b *burst) {
		b.headers("/hold", true, true)
		_ = b.WriteWindowUpdate(b.stream, 1<<31-1)
	}},
	"made you reset, by a priority (CVE-2025-8671)": {frames: 10_000, requests: streamLimit + resetLimit, each: func(b *burst) {
		b.headers("/hold", true, true)
		_ = b.WriteRawFrame(http2.FramePriority, 0, b.stream, make([]byte, 4))
	}},
	"more streams than there may be": {frames: 10_000, requests: streamLimit, each: func(b *burst) { b.headers("/hold", true, true) }},
	"streams without an end":         {frames: 10_000, requests: streamLimit, each: func(b *burst) { b.headers("/hold", false, true) }},
	"heads without an end (CVE-2024-27316)": {frames: 50_000, first: func(b *burst) { b.headers("/", false, false) }, each: func(b *burst) {
		b.block.Reset()
		_ = b.encoder.WriteField(hpack.HeaderField{Name: "x-field", Value: strings.Repeat("v", 500), Sensitive: true})
		_ = b.WriteContinuation(b.stream, false, b.block.Bytes())
	}},
	"empty parts of a head (CVE-2019-9518)": {frames: 100_000, first: func(b *burst) { b.headers("/", false, false) }, each: func(b *burst) {
		_ = b.WriteContinuation(b.stream, false, nil)
	}},
	"empty parts of a body (CVE-2019-9518)": {frames: 100_000, requests: 1, first: func(b *burst) { b.headers("/hold", false, true) }, each: func(b *burst) {
		_ = b.WriteData(b.stream, false, nil)
	}},
	"padding alone": {frames: 100_000, requests: 1, first: func(b *burst) { b.headers("/hold", false, true) }, each: func(b *burst) {
		_ = b.WriteDataPadded(b.stream, false, nil, make([]byte, 200))
	}},
	"fields without a name (CVE-2019-9516)": {frames: 50_000, requests: streamLimit, each: func(b *burst) {
		b.headers("/hold", true, true, hpack.HeaderField{}, hpack.HeaderField{})
	}},
	// One entry of 4,000 bytes is named by a byte each time.
	"a small head that becomes large": {frames: 2000, requests: streamLimit, each: func(b *burst) {
		b.block.Reset()
		b.headers("/hold", true, false, hpack.HeaderField{Name: "x-bomb", Value: strings.Repeat("v", 3900)})
		_ = b.WriteContinuation(b.stream, true, bytes.Repeat([]byte{0x80 | 62}, 10_000))
	}},
	"PING (CVE-2019-9512)":     {frames: 100_000, each: func(b *burst) { _ = b.WritePing(false, [8]byte{}) }},
	"SETTINGS (CVE-2019-9515)": {frames: 100_000, each: func(b *burst) { _ = b.WriteSettings() }},
	"SETTINGS that change windows": {frames: 50_000, requests: streamLimit,
		first: func(b *burst) {
			for range streamLimit {
				b.headers("/hold", true, true)
			}
		},
		each: func(b *burst) {
			_ = b.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
		}},
	"SETTINGS that change tables": {frames: 50_000, each: func(b *burst) {
		_ = b.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0}, http2.Setting{ID: http2.SettingHeaderTableSize, Val: 1<<32 - 1})
	}},
	"SETTINGS of 16 KiB": {frames: 2000, each: func(b *burst) {
		setting := binary.BigEndian.AppendUint32([]byte{0xff, 0xff}, 1)
		_ = b.WriteRawFrame(http2.FrameSettings, 0, 0, bytes.Repeat(setting, 2700))
	}},
	"WINDOW_UPDATE": {frames: 100_000, each: func(b *burst) { _ = b.WriteWindowUpdate(0, 1) }},
	"WINDOW_UPDATE of a stream": {frames: 100_000, requests: 1, first: func(b *burst) { b.headers("/hold", true, true) }, each: func(b *burst) {
		_ = b.WriteWindowUpdate(b.stream, 1)
	}},
	"PRIORITY (CVE-2019-9513)": {frames: 100_000, each: func(b *burst) {
		b.stream = b.stream&^1 + 1
		_ = b.WritePriority(b.stream, http2.PriorityParam{StreamDep: 1<<30 + b.stream})
		b.stream += 2
	}},
	"frames of no known type": {frames: 100_000, each: func(b *burst) { _ = b.WriteRawFrame(0xfe, 0xff, 0, make([]byte, 20)) }},
	// The window for data is 0 from the start, so that no body can be sent (CVE-2019-9511, CVE-2019-9517).
	"answers that nobody takes": {frames: 1000, requests: streamLimit,
		first: func(b *burst) { _ = b.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}) },
		each:  func(b *burst) { b.headers("/large", true, true) }},
}

// floodConnections is how many connections a flood comes by.
const floodConnections = 2

// run sends the flood, until it is over or the gateway gives up the connection.
func (f flood) run(conn net.Conn) {
	b := newBurst()
	_, _ = b.WriteString(http2.ClientPreface)
	_ = b.WriteSettings()
	if f.first != nil {
		f.first(b)
	}
	for range f.frames {
		f.each(b)
		if b.Len() > 32<<10 {
			if _, err := conn.Write(b.Next(b.Len())); err != nil {
				return // the gateway has had enough
			}
		}
	}
	_, _ = conn.Write(b.Bytes())
}

var largeAnswer = fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", 1<<20, strings.Repeat("l", 1<<20))

// heldRequests is a backend that keeps requests until they are let go.
type heldRequests struct {
	release       atomic.Pointer[chan struct{}]
	current, peak atomic.Int64
}

func (h *heldRequests) reset() {
	ch := make(chan struct{})
	if old := h.release.Swap(&ch); old != nil {
		close(*old)
	}
	h.peak.Store(0)
}

func (h *heldRequests) answer(r recorder.Request) (string, bool) {
	switch r.Target {
	case "/hold":
		now := h.current.Add(1)
		for peak := h.peak.Load(); now > peak && !h.peak.CompareAndSwap(peak, now); peak = h.peak.Load() {
		}
		<-*h.release.Load()
		h.current.Add(-1)
		return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false
	case "/large":
		return largeAnswer, true
	}
	return recorder.Short(r)
}

// uses is what the parts that clients reach hold.
func (g *gateway) uses(parts stack.Parts) map[string]process.Usage {
	g.t.Helper()
	all := map[string]process.Usage{}
	for name, pid := range map[string]int{"chaperone": parts.Chaperone, "varnishd's child": parts.Child} {
		use, err := process.Use(pid)
		require.NoError(g.t, err)
		all[name] = use
	}
	return all
}

// A client that means harm costs what its requests may cost, and others are served meanwhile.
func TestFloodsOfHTTP2AreBounded(t *testing.T) {
	h := &heldRequests{}
	h.reset()
	g, _ := startRecorded(t, h.answer)
	t.Cleanup(h.reset)
	parts := g.parts()
	for name, f := range floods {
		for _, scheme := range []string{"http", "https"} {
			for _, reads := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/reads %t", name, scheme, reads), func(t *testing.T) { g.flood(t, h, f, scheme, reads) })
			}
		}
	}
	assert.Equal(t, parts, g.parts(), "nothing was restarted")
}

// What a flood may cost besides its requests: buffers of connections, what allocators keep, threads that varnishd has
// ready, and goroutines of chaperone.
const (
	floodMemory     = 96 << 20
	floodThreads    = 150
	floodGoroutines = 50
)

// costOfRequest is what a request of HTTP/2 costs in varnishd: workspace_client, and a thread with its own workspace. In
// the fetch door another thread fetches its answer, with workspace_backend, and transit_buffer waits for the client.
// Where many requests come at once, varnishd adds up to twice the threads that they take.
func costOfRequest() (memory, threads int64) {
	memory, threads = 224<<10, 2
	if os.Getenv(passDoorVariable) == "Fetch" {
		memory, threads = memory+(192+256)<<10, 4
	}
	return memory, threads
}

func (g *gateway) flood(t *testing.T, h *heldRequests, f flood, scheme string, reads bool) {
	h.reset()
	parts := g.parts()
	before := g.uses(parts)
	goroutines, err := g.metric("go_goroutines")
	require.NoError(t, err)
	var flooding sync.WaitGroup
	var conns []net.Conn
	for range floodConnections {
		conn := g.connect(scheme, "h2")
		conns = append(conns, conn)
		if reads {
			go func() { _, _ = io.Copy(io.Discard, conn) }()
		}
		flooding.Go(func() { f.run(conn) })
	}
	for range 10 {
		for _, other := range []string{"http", "https"} {
			assert.NoError(t, g.answers(other+"://a.example/other", http.StatusOK), "another client")
		}
	}
	// One that takes no answers may not get rid of what it wants to say.
	if reads {
		flooding.Wait()
	}
	require.Equal(t, parts, g.parts(), "nothing was restarted")
	requests := floodConnections * f.requests
	assert.LessOrEqual(t, h.peak.Load(), requests, "requests at the backend")
	memory, threads := costOfRequest()
	for part, use := range g.uses(parts) {
		assert.Less(t, use.Memory, before[part].Memory+floodMemory+requests*memory, "memory of %s", part)
		assert.Less(t, use.Threads, before[part].Threads+floodThreads+requests*threads, "threads of %s", part)
	}
	now, err := g.metric("go_goroutines")
	require.NoError(t, err)
	assert.Less(t, now, goroutines+floodGoroutines, "goroutines of chaperone")
	for _, conn := range conns {
		_ = conn.Close()
	}
	flooding.Wait()
	g.await("the backend to have no request", func() error {
		// Some may be on their way still.
		h.reset()
		if n := h.current.Load(); n > 0 {
			return fmt.Errorf("there are %d", n)
		}
		return nil
	})
}
