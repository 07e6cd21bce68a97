package tlsterm

// The standard library's http.ClientConn cannot be asked whether it takes another request.
//lint:file-ignore SA1019 see above

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"

	"github.com/varnish-gateway/gateway/chaperone/internal/proxy"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// startPassing gives a terminal in front of a real varnishd that passes every request to a backend.
func startPassing(t *testing.T, backend http.HandlerFunc) *terminal {
	server := httptest.NewServer(backend)
	t.Cleanup(server.Close)
	host, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	term := startTerminal(t, proxy.Options{DialTimeout: varnishtest.Deadline}, false)
	vcl := fmt.Sprintf("vcl 4.1;\nbackend b { .host = %q; .port = %q; }\nsub vcl_recv { return (pass); }\n", host, port)
	varnishtest.Start(t, vcl, "-a", socketKey.Name()+"="+term.path+",PROXY", "-p", "feature=+http2")
	pairs := map[string]Pair{"c": newAuthority(t).issue(t, ecdsaKey(), "c")}
	require.Empty(t, term.Update([]routing.Listener{https("a", "", "c")}, pairs))
	return term
}

// connectHTTP2 gives a connection on which requests can be made; nothing is done again by itself.
func connectHTTP2(t *testing.T, term *terminal) *http2.ClientConn {
	config := asking("www.example.com")
	config.NextProtos = []string{http2.NextProtoTLS}
	raw, err := tls.Dial("tcp", term.address, config)
	require.NoError(t, err)
	conn, err := new(http2.Transport).NewClientConn(raw)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// getOver makes a request, and gives its body.
func getOver(conn *http2.ClientConn, path string) (string, error) {
	request, err := http.NewRequest(http.MethodGet, "https://www.example.com"+path, nil)
	if err != nil {
		return "", err
	}
	response, err := conn.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

// RFC 9113, section 6.8: a server that shuts a connection down tells its client so, and serves what is under way.
func TestAnHTTP2ConnectionEndsWithItsStreams(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	term := startPassing(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			_, _ = io.WriteString(w, "begun, ")
			_ = http.NewResponseController(w).Flush()
			close(arrived)
			<-release
		}
		_, _ = io.WriteString(w, "done")
	})
	conn := connectHTTP2(t, term)
	body, err := getOver(conn, "/")
	require.NoError(t, err)
	assert.Equal(t, "done", body)
	var slow sync.WaitGroup
	slow.Go(func() {
		body, err := getOver(conn, "/slow")
		assert.NoError(t, err)
		assert.Equal(t, "begun, done", body)
	})
	<-arrived

	term.GoAway(false)

	varnishtest.Eventually(t, "the client opens no more streams", func() bool { return !conn.CanTakeNewRequest() })
	assert.Equal(t, 1, term.Stats().Open, "a stream is open")
	close(release)
	slow.Wait()
	eventuallyEmpty(t, term)

	again := connectHTTP2(t, term)
	_, err = getOver(again, "/")
	require.NoError(t, err)
	assert.True(t, again.CanTakeNewRequest(), "those that come later were not meant")
	term.GoAway(true)
	eventuallyEmpty(t, term)
	late := connectHTTP2(t, term)
	body, err = getOver(late, "/")
	require.NoError(t, err)
	assert.Equal(t, "done", body, "what came with the connection is served")
	eventuallyEmpty(t, term)
}

func TestAnIdleHTTP2ConnectionEndsAtOnce(t *testing.T) {
	term := startPassing(t, func(http.ResponseWriter, *http.Request) {})
	conn := connectHTTP2(t, term)
	_, err := getOver(conn, "/")
	require.NoError(t, err)
	term.GoAway(false)
	eventuallyEmpty(t, term)
	varnishtest.Eventually(t, "the client opens no more streams", func() bool { return !conn.CanTakeNewRequest() })
}

// Clients that go on all the while lose nothing: each goes elsewhere when it is told. A client may make a request again
// that no server has seen, and no other.
func TestADrainLosesNoRequest(t *testing.T) {
	var served atomic.Int64
	term := startPassing(t, func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		_, _ = io.WriteString(w, r.URL.Path)
	})
	const clients, requests = 8, 100
	var connections atomic.Int64
	transport := &http2.Transport{
		DialTLSContext: func(ctx context.Context, network, _ string, config *tls.Config) (net.Conn, error) {
			connections.Add(1)
			config.InsecureSkipVerify = true
			return (&tls.Dialer{Config: config}).DialContext(ctx, network, term.address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, Timeout: deadline}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var running sync.WaitGroup
		for n := range clients {
			running.Go(func() {
				for i := range requests {
					want := fmt.Sprintf("/%d/%d", n, i)
					body, err := get(client, want)
					if !assert.NoError(t, err) {
						return
					}
					assert.Equal(t, want, body)
				}
			})
		}
		running.Wait()
	}()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for running := true; running; {
		select {
		case <-again.C:
			term.GoAway(false)
		case <-done:
			running = false
		}
	}
	assert.Greater(t, connections.Load(), int64(1), "clients were told to go away")
	assert.EqualValues(t, clients*requests, served.Load(), "none was made twice")
}

// get makes a request, and gives what comes back.
func get(client *http.Client, path string) (string, error) {
	response, err := client.Get("https://www.example.com" + path)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	return string(answer), err
}
