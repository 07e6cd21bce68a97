package load

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func loadOn(server *httptest.Server, pool *tls.Config) Config {
	return Config{
		Address: server.Listener.Addr().String(), TLS: pool, Clients: 2, Pause: time.Millisecond, Timeout: 5 * time.Second,
		Request: func() *http.Request {
			request, _ := http.NewRequest(http.MethodGet, server.URL, nil)
			return request
		},
	}
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestEveryRightAnswerCounts(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	run := Start(t.Context(), loadOn(server, &tls.Config{InsecureSkipVerify: true}))
	require.NoError(t, run.More(deadline(t), 20))
	result := run.Stop()
	assert.GreaterOrEqual(t, result.Counts[OK], 20)
	assert.Zero(t, result.Failed(), result)
}

func TestHTTP2IsSpokenOnOneConnection(t *testing.T) {
	for name, isTLS := range map[string]bool{"over TLS": true, "with prior knowledge": false} {
		t.Run(name, func(t *testing.T) {
			var connections atomic.Int32
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor != 2 {
					w.WriteHeader(http.StatusHTTPVersionNotSupported)
				}
			}))
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					connections.Add(1)
				}
			}
			server.Config.Protocols = new(http.Protocols)
			server.Config.Protocols.SetHTTP1(true)
			server.Config.Protocols.SetHTTP2(true)
			server.Config.Protocols.SetUnencryptedHTTP2(true)
			var settings *tls.Config
			if isTLS {
				server.EnableHTTP2 = true
				server.StartTLS()
				settings = &tls.Config{InsecureSkipVerify: true}
			} else {
				server.Start()
			}
			defer server.Close()
			config := loadOn(server, settings)
			config.HTTP2 = true
			run := Start(t.Context(), config)
			require.NoError(t, run.More(deadline(t), 20))
			result := run.Stop()
			assert.Zero(t, result.Failed(), result)
			assert.Equal(t, int32(config.Clients), connections.Load())
		})
	}
}

func TestAServerThatDrainsHTTP2FailsNoRequest(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close") // net/http says GOAWAY then
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	config := loadOn(server, &tls.Config{InsecureSkipVerify: true})
	config.HTTP2 = true
	run := Start(t.Context(), config)
	require.NoError(t, run.More(deadline(t), 20))
	result := run.Stop()
	assert.Zero(t, result.Failed(), result)
}

func TestFailuresAreCountedByWhatTheClientSaw(t *testing.T) {
	hijack := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = conn.Write([]byte(answer))
				_ = conn.Close()
			}
		}
	}
	cases := map[string]struct {
		handler http.HandlerFunc
		check   func(int, http.Header, []byte) error
		want    Outcome
	}{
		"another status": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, nil, "status 503"},
		"no answer":      {hijack(""), nil, NoAnswer},
		"half an answer": {hijack("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), nil, CutAnswer},
		"a wrong answer": {func(http.ResponseWriter, *http.Request) {}, func(int, http.Header, []byte) error { return errors.New("not mine") }, WrongAnswer},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			config := loadOn(server, nil)
			config.Check = c.check
			one := newClient(config, new(sync.RWMutex))
			defer one.close()
			outcome, err := one.exchange()
			assert.Equal(t, c.want, outcome)
			assert.Error(t, err)
		})
	}
}

func TestNobodyListening(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	one := newClient(Config{Address: l.Addr().String(), Timeout: time.Second}, new(sync.RWMutex))
	outcome, err := one.exchange()
	assert.Equal(t, ConnectFailed, outcome)
	assert.Error(t, err)
}

func TestAConnectionClosedWhileIdleIsNoFailure(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	one := newClient(loadOn(server, nil), new(sync.RWMutex))
	defer one.close()
	outcome, err := one.exchange()
	require.NoError(t, err)
	require.Equal(t, OK, outcome)
	server.CloseClientConnections()
	require.Eventually(t, func() bool { return closedByPeer(one.raw) }, 10*time.Second, time.Millisecond)
	outcome, err = one.exchange()
	require.NoError(t, err)
	assert.Equal(t, OK, outcome)
}

func TestAResultReadsAsASentence(t *testing.T) {
	r := Result{Counts: map[Outcome]int{OK: 3, NoAnswer: 1}, Examples: map[Outcome]string{NoAnswer: "EOF"}, Slowest: 1500 * time.Microsecond, Gap: time.Second}
	assert.Equal(t, "4 requests: 3 ok, 1 connection lost before the answer (EOF); slowest 2ms, longest gap 1s", r.String())
}

func TestARequestThatWasNotSentIsSentOnAnotherConnection(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	config := loadOn(server, &tls.Config{InsecureSkipVerify: true})
	config.HTTP2 = true
	one := newClient(config, new(sync.RWMutex))
	defer one.close()
	outcome, err := one.exchange()
	require.NoError(t, err)
	require.Equal(t, OK, outcome)
	// What comes between the look at a connection and the request on it.
	speaking := one.wire.(*http2Wire)
	one.wire = alwaysUsable{speaking}
	require.NoError(t, speaking.conn.Close())
	outcome, err = one.exchange()
	require.NoError(t, err)
	assert.Equal(t, OK, outcome)
	assert.NotEqual(t, alwaysUsable{speaking}, one.wire)
}

type alwaysUsable struct{ *http2Wire }

func (alwaysUsable) usable() bool { return true }
