package e2e

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// startLimited is a gateway with limits, and one route to a backend.
func startLimited(t *testing.T, limits string, backend http.Handler) *gateway {
	t.Helper()
	server := httptest.NewServer(backend)
	t.Cleanup(server.Close)
	files := simpleFiles(server.Listener.Addr().(*net.TCPAddr).Port)
	files["class.yaml"] = classWithParameters + "  limits: {" + limits + "}\n"
	g := startGateway(t, files)
	g.await("the route", func() error { return g.answers("http://a.example/", http.StatusOK) })
	return g
}

func ok(http.ResponseWriter, *http.Request) {}

// TestALimitOfRequestsToBackendsHolds holds one request at the backend, and asks for another.
func TestALimitOfRequestsToBackendsHolds(t *testing.T) {
	for _, limits := range []string{"maxBackendRequests: 1", "maxBackendRequestsPerService: 1"} {
		t.Run(limits, func(t *testing.T) {
			there, leave := make(chan struct{}), make(chan struct{})
			g := startLimited(t, limits, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/held" {
					close(there)
					<-leave
				}
			}))
			answered := make(chan error, 1)
			go func() { answered <- g.answers("http://a.example/held", http.StatusOK) }()
			<-there
			assert.NoError(t, g.answers("http://a.example/", http.StatusServiceUnavailable))
			close(leave)
			require.NoError(t, <-answered)
			g.await("a place at the backend", func() error { return g.answers("http://a.example/", http.StatusOK) })
		})
	}
}

// TestALimitOfTLSConnectionsHolds keeps one connection open, and opens another.
func TestALimitOfTLSConnectionsHolds(t *testing.T) {
	for _, limits := range []string{"maxTLSConnections: 1", "maxTLSConnectionsPerAddress: 1"} {
		t.Run(limits, func(t *testing.T) {
			g := startLimited(t, limits, http.HandlerFunc(ok))
			g.await("the certificate", func() error { return g.answers("https://a.example/", http.StatusOK) })
			var first net.Conn
			g.await("a connection of its own", func() (err error) {
				first, err = g.dialTLS()
				return err
			})
			_, err := g.dialTLS()
			require.Error(t, err, "one is open already")
			assert.False(t, isTimeout(err), "it is closed, and not left waiting: %v", err)
			require.NoError(t, first.Close())
			g.await("the place of the first one", func() error { return g.answers("https://a.example/", http.StatusOK) })
		})
	}
}

// dialTLS opens a connection, and makes the handshake.
func (g *gateway) dialTLS() (net.Conn, error) {
	conn, err := net.Dial("tcp", g.address("https"))
	if err != nil {
		return nil, err
	}
	g.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	secure := tls.Client(conn, &tls.Config{ServerName: "a.example", RootCAs: g.certificate.Pool()})
	return secure, secure.Handshake()
}

// TestARequestThatComesTooSlowlyIsAnswered408 announces more of a body than it sends (RFC 9110 section 15.5.9).
func TestARequestThatComesTooSlowlyIsAnswered408(t *testing.T) {
	g := startLimited(t, "requestTimeout: 500ms", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	client := g.connect("http", "")
	_, err := io.WriteString(client, "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000000000\r\n\r\n")
	require.NoError(t, err)
	// It goes on sending until the answer is there: the clock is looked at with each piece.
	answered := make(chan struct{})
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for _, err := client.Write([]byte("x")); err == nil; _, err = client.Write([]byte("x")) {
			select {
			case <-answered:
				return
			default:
			}
		}
	}()
	answer, err := http.ReadResponse(bufio.NewReader(client), nil)
	close(answered)
	require.NoError(t, err)
	assert.Equal(t, http.StatusRequestTimeout, answer.StatusCode)
	require.NoError(t, client.Close())
	<-sent
}
