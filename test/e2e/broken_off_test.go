package e2e

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An answer of unknown length that breaks off before its body must not look like an empty one (RFC 9112 section 8).
// Varnish takes it for empty where the fetch fails between the choice of delivery filters and the first look at the
// object. The backend breaks off at random, around there; the many fields make Varnish write the head in several pieces
// meanwhile.
func TestAnAnswerThatBreaksOffBeforeItsBodyIsNeverWhole(t *testing.T) {
	const clients, each = 16, 250
	files := simpleFiles(startBreakingOff(t))
	files["policy.yaml"] = cachePolicy("main", "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: main}", "  freshness: {heuristic: {percent: 0}}\n")
	g := startGateway(t, files)
	// While there is no route it is 404, and without the policy the answer is passed on by another way.
	g.await("the policy", func() error {
		a, err := g.get("http://a.example/whole")
		if err == nil && (a.StatusCode != http.StatusOK || a.Header.Get("Cache-Status") == "") {
			err = fmt.Errorf("status %d without Cache-Status", a.StatusCode)
		}
		return err
	})
	var whole, begun atomic.Int64
	var asking sync.WaitGroup
	for range clients {
		asking.Go(func() {
			for range each {
				a, err := g.get(fmt.Sprintf("http://a.example/%d", rand.Int64())) //nolint:gosec // a name that was not asked for before
				switch {
				case a.Response == nil:
				case err != nil:
					begun.Add(1)
				case a.StatusCode == http.StatusOK:
					whole.Add(1)
				}
			}
		})
	}
	asking.Wait()
	assert.Zero(t, whole.Load(), "answers that were delivered as whole, of %d", clients*each)
	assert.NotZero(t, begun.Load(), "answers that were begun, and broken off")
}

// startBreakingOff is a backend that breaks off behind the head, unless it is asked for "/whole".
func startBreakingOff(t *testing.T) int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	fields := strings.Repeat("X-Field: value\r\n", 120)
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // stopped
			}
			serving.Go(func() {
				defer conn.Close()
				request, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return // closed without a request
				}
				fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n%s\r\n", fields)
				if request.URL.Path == "/whole" {
					fmt.Fprint(conn, "0\r\n\r\n")
					return
				}
				for range rand.IntN(100) { //nolint:gosec // any will do
					runtime.Gosched()
				}
			})
		}
	})
	return listener.Addr().(*net.TCPAddr).Port
}
