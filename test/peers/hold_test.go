package peers

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func serverOf(t *testing.T, secure bool, handler http.HandlerFunc) (*httptest.Server, *holder) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = secure
	start := server.Start
	if secure {
		start = server.StartTLS
	}
	start()
	t.Cleanup(server.Close)
	h := &holder{address: netip.MustParseAddrPort(server.Listener.Addr().String())}
	if secure {
		h.tls = &tls.Config{InsecureSkipVerify: true, ServerName: firstHost}
	}
	t.Cleanup(h.close)
	return server, h
}

func hello(w http.ResponseWriter, r *http.Request) {
	if r.Host != firstHost {
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = io.WriteString(w, r.Proto)
}

func TestConnectionsAreHeldAfterTheirAnswer(t *testing.T) {
	for sentence, change := range map[string]func(*holder){
		"HTTP/1.1":          nil,
		"HTTP/1.1 over TLS": func(h *holder) { h.tls.NextProtos = []string{"http/1.1"} },
		"HTTP/2":            func(h *holder) { h.http2, h.tls.NextProtos = true, []string{"h2"} },
	} {
		t.Run(sentence, func(t *testing.T) {
			server, h := serverOf(t, change != nil, hello)
			if change != nil {
				change(h)
			}
			require.NoError(t, h.open(t.Context(), 200, true))
			assert.EqualValues(t, 200, h.answered.Load())
			assert.Zero(t, h.refused.Load())
			alive := func() int {
				n, err := h.alive()
				require.NoError(t, err)
				return n
			}
			assert.Equal(t, 200, alive())
			server.CloseClientConnections()
			require.Eventually(t, func() bool { return alive() == 0 }, time.Minute, time.Millisecond)
		})
	}
}

func TestAnswersOtherThan200AreRefusals(t *testing.T) {
	_, h := serverOf(t, false, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	require.NoError(t, h.open(t.Context(), 3, true))
	assert.EqualValues(t, 3, h.refused.Load())

	_, h = serverOf(t, true, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	h.http2, h.tls.NextProtos = true, []string{"h2"}
	assert.ErrorContains(t, h.open(t.Context(), 1, true), "status 503")
}

func TestAStreamThatIsResetIsAnError(t *testing.T) {
	_, h := serverOf(t, true, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	h.http2, h.tls.NextProtos = true, []string{"h2"}
	assert.ErrorContains(t, h.open(t.Context(), 1, true), "the stream was reset")
}

func TestASlowOriginHoldsAnswersUntilItIsTold(t *testing.T) {
	var p ports
	address, err := p.next()
	require.NoError(t, err)
	origin, err := startSlowOrigin(address)
	require.NoError(t, err)
	defer func() { require.NoError(t, origin.close()) }()
	ready := &holder{address: address}
	defer ready.close()
	require.NoError(t, ready.open(t.Context(), 1, true), "answers come at once")

	for range 2 { // one peer after another
		release := origin.start()
		h := &holder{address: address}
		require.NoError(t, h.open(t.Context(), 50, false))
		require.Eventually(t, func() bool { return origin.held() == 50 }, time.Minute, time.Millisecond)
		assert.Zero(t, h.answered.Load())
		release()
		assert.Zero(t, origin.held())
		require.Eventually(t, func() bool { return h.answered.Load() == 50 }, time.Minute, time.Millisecond)
		h.close()
	}
}

func TestNobodyListeningIsAnErrorOfTheHolder(t *testing.T) {
	var p ports
	address, err := p.next()
	require.NoError(t, err)
	h := &holder{address: address}
	defer h.close()
	assert.Error(t, h.open(t.Context(), 2, true))
	assert.NoError(t, h.open(t.Context(), 2, false), "who waits for no answer counts those that are held")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, h.open(ctx, 2, false), context.Canceled)
}
