package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/recorder"
)

// surplus is what a backend sends beyond its answer. It belongs to no request, and nobody may get it (RFC 9112 section 9.2).
const surplus = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nINJECTED"

// surplusSizes are bodies around those of buffers, where what is beyond may stay unread.
var surplusSizes = []int{1, 10, 4000, 8000, 8191, 8192, 8193, 16384, 20000, 65536, 300000}

// surplusFramings are the ways in which an answer can end.
var surplusFramings = map[string]func(size int) string{
	"length": func(size int) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("a", size))
	},
	"chunked": func(size int) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", size, strings.Repeat("a", size))
	},
	"none":         func(int) string { return "HTTP/1.1 204 No Content\r\n\r\n" },
	"not modified": func(int) string { return "HTTP/1.1 304 Not Modified\r\n\r\n" },
}

func TestABackendsSurplusBytesReachNobody(t *testing.T) {
	g, _ := startRecorded(t, func(r recorder.Request) (string, bool) {
		name, size, ok := strings.Cut(strings.TrimPrefix(r.Target, "/"), "-")
		framing := surplusFramings[strings.ReplaceAll(name, "_", " ")]
		if !ok || framing == nil {
			return recorder.Short(r)
		}
		n := 0
		_, _ = fmt.Sscan(size, &n)
		return framing(n) + surplus, true
	})
	for name := range surplusFramings {
		for _, size := range surplusSizes {
			t.Run(fmt.Sprintf("%s/%d bytes", name, size), func(t *testing.T) {
				for range 5 {
					_, err := g.get(fmt.Sprintf("http://a.example/%s-%d", strings.ReplaceAll(name, " ", "_"), size))
					require.NoError(t, err)
					a, err := g.get("http://a.example/next")
					require.NoError(t, err)
					assert.Equal(t, http.StatusOK, a.StatusCode)
					assert.Equal(t, "GET /next", string(a.body))
				}
			})
		}
	}
}
