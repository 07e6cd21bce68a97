// Package e2e drives the real stack on loopback: gatewayctl run, chaperone, varnishd and ghost, with example services
// behind them.
package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/await"
	"github.com/varnish-gateway/gateway/test/certificate"
	"github.com/varnish-gateway/gateway/test/echo"
	"github.com/varnish-gateway/gateway/test/stack"
)

// patience bounds every wait for a condition.
const patience = 60 * time.Second

// gateway is a running stack with the directory that it serves.
type gateway struct {
	t           *testing.T
	dir         string
	state       string
	http, https int
	certificate certificate.Pair
	stack       *stack.Stack
	log         *syncBuffer
}

// startGateway serves files, given by name. "{HTTP}" and "{HTTPS}" in them are ports, and the Secret "certificate"
// is there. It returns once the gateway answers.
func startGateway(t *testing.T, files map[string]string) *gateway {
	t.Helper()
	binaries, err := stack.FindBinaries("../../build")
	require.NoError(t, err)
	pair, err := certificate.SelfSigned("a.example", "b.example", "*.example")
	require.NoError(t, err)
	state, err := os.MkdirTemp("", "gw-e2e-")
	require.NoError(t, err)
	g := &gateway{t: t, dir: t.TempDir(), state: state, certificate: pair, log: &syncBuffer{}}
	ports := freePorts(t, 2)
	g.http, g.https = ports[0], ports[1]
	g.write("certificate.yaml", pair.Secret("certificate"))
	for name, text := range inPassDoor(files) {
		g.write(name, text)
	}
	g.stack, err = stack.Start(stack.Options{
		Binaries: binaries, Manifests: []string{g.dir}, StateDir: state, Stdout: g.log, Stderr: g.log,
		Arguments: []string{"--log-level", "debug"},
	})
	require.NoError(t, err)
	t.Cleanup(g.stop)
	g.await("the gateway to answer", func() error { _, err := g.get("http://anything.example/"); return err })
	return g
}

func (g *gateway) stop() {
	require.NoError(g.t, g.stack.Stop())
	require.NoError(g.t, os.RemoveAll(g.state))
	assert.NotContains(g.t, g.log.String(), "WARNING: DATA RACE", "what was built with the race detector found none")
	if g.t.Failed() {
		g.t.Logf("the gateway's log:\n%s", g.log)
	}
}

// write saves a manifest in one step, as an editor does that keeps the old file until the new one is whole.
func (g *gateway) write(name, text string) {
	g.t.Helper()
	text = strings.NewReplacer("{HTTP}", fmt.Sprint(g.http), "{HTTPS}", fmt.Sprint(g.https)).Replace(withPassDoor(text))
	temporary := filepath.Join(g.dir, ".new")
	require.NoError(g.t, os.WriteFile(temporary, []byte(text), 0o600))
	require.NoError(g.t, os.Rename(temporary, filepath.Join(g.dir, name)))
}

func (g *gateway) await(what string, try func() error) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	require.NoError(g.t, await.Success(ctx, what, try))
}

// awaitLog waits for words in the log, from where it is now.
func (g *gateway) awaitLog(words string) {
	g.t.Helper()
	g.await("the log to say "+words, func() error {
		if strings.Contains(g.log.String(), words) {
			return nil
		}
		return fmt.Errorf("it does not")
	})
}

func (g *gateway) address(scheme string) string {
	if scheme == "https" {
		return fmt.Sprintf("127.0.0.1:%d", g.https)
	}
	return fmt.Sprintf("127.0.0.1:%d", g.http)
}

// answer of the gateway.
type answer struct {
	*http.Response
	body []byte
	// seen is what the service saw; zero where the gateway answered by itself.
	seen echo.Seen
}

type option func(*http.Request, *http.Transport)

func withHeader(name, value string) option {
	return func(r *http.Request, _ *http.Transport) { r.Header.Set(name, value) }
}

// withURL asks for another path and query.
func withURL(target string) option {
	return func(r *http.Request, _ *http.Transport) {
		r.URL.Path, r.URL.RawQuery, _ = strings.Cut(target, "?")
	}
}

func withMethod(method string) option {
	return func(r *http.Request, _ *http.Transport) { r.Method = method }
}

func withBody(body string) option {
	return func(r *http.Request, _ *http.Transport) {
		r.Method, r.Body, r.ContentLength = http.MethodPost, io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
}

func withProtocols(set func(*http.Protocols)) option {
	return func(_ *http.Request, t *http.Transport) {
		t.Protocols = new(http.Protocols)
		set(t.Protocols)
	}
}

// get asks on a connection of its own. The URL's host is only a name: connections go to the gateway.
func (g *gateway) get(url string, options ...option) (answer, error) {
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}
	transport := &http.Transport{
		DisableKeepAlives: true, DisableCompression: true,
		TLSClientConfig: &tls.Config{RootCAs: g.certificate.Pool(), InsecureSkipVerify: true}, //nolint:gosec // which certificate came is looked at
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, g.address(request.URL.Scheme))
		},
	}
	for _, set := range options {
		set(request, transport)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	a := answer{Response: response}
	if a.body, err = io.ReadAll(response.Body); err != nil {
		return a, err
	}
	if response.Header.Get("Content-Type") == "application/json" {
		err = json.Unmarshal(a.body, &a.seen)
	}
	return a, err
}

// from makes an error of an answer that is not this service's.
func (g *gateway) from(service, url string, options ...option) error {
	a, err := g.get(url, options...)
	switch {
	case err != nil:
		return err
	case a.StatusCode != http.StatusOK:
		return fmt.Errorf("status %d: %s", a.StatusCode, a.body)
	case a.seen.Service != service:
		return fmt.Errorf("service %q answered", a.seen.Service)
	}
	return nil
}

// freePorts finds ports that nobody uses now, and that differ.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
