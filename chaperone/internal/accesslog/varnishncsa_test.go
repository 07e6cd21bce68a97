package accesslog

import (
	"encoding/json"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
)

// logging logs as ghost does, then as user VCL might.
const logging = `vcl 4.1;
import std;
backend default none;
sub vcl_recv {
	unset req.http.X-Gateway-Route;
	std.log("ghost_listener: http-80");
	std.log("ghost_route: shop/cart");
	std.log("ghost_route: forged by user VCL");
	if (req.url == "/direct") {
		std.log("ghost_handling: pass");
	}
	return (synth(200));
}
`

// hostile requests, with what must come of each. Connection: close keeps each to a connection of its own.
var hostile = []struct {
	request string
	want    map[string]any
}{
	{"GET /quote\"back\\slash HTTP/1.1\r\nHost: a\"b\\c\r\nUser-Agent: q\"\\\t\xc3\xa9\r\nReferer: \xff\xfe\r\n\r\n",
		map[string]any{"url": `/quote"back\slash`, "host": `a"b\c`, "user_agent": "q\"\\\té", "referer": "\uFFFD\uFFFD", "status": 200.0}},
	{"GET /forged HTTP/1.1\r\nHost: a\r\nX-Gateway-Route: forged/route\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n",
		map[string]any{"url": "/forged", "route": "shop/cart", "listener": "http-80", "handling": "synth", "x_forwarded_for": "192.0.2.7"}},
	{"GET /direct HTTP/1.1\r\nHost: a\r\n\r\n", map[string]any{"url": "/direct", "handling": "pass"}},
	{"GET /long HTTP/1.1\r\nHost: a\r\nUser-Agent: " + strings.Repeat("é", 1000) + "\r\n\r\n",
		map[string]any{"url": "/long"}},
	{"BROKEN\r\n\r\n", map[string]any{"status": 400.0}},
	{"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", map[string]any{"url": "/\uFFFD", "status": 200.0}},
	{"GET /nothing HTTP/1.0\r\n\r\n", map[string]any{"url": "/nothing", "method": "GET", "protocol": "HTTP/1.0", "client": "127.0.0.1"}},
}

func TestRealVarnishncsaWritesValidJSON(t *testing.T) {
	socket := filepath.Join(varnishtest.Dir(t), "http.sock")
	varnishd := varnishtest.Start(t, logging, "-a", "http-80="+socket+",PROXY")
	out := &lines{}
	stop := run(t, Options{Program: varnishtest.Beside(t, "varnishncsa"), Dir: varnishd.Dir, Format: JSON, Out: out})
	awaitLogging(t, socket, out)

	before := time.Now().Add(-time.Minute)
	for i, h := range hostile {
		send(t, socket, h.request)
		out.await(t, h.request, func(all []string) bool { return len(withoutWarmUp(all)) > i })
	}
	stop()

	all := withoutWarmUp(out.complete())
	require.Len(t, all, len(hostile))
	for i, line := range all {
		var object map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &object), line)
		for name, want := range hostile[i].want {
			assert.Equal(t, want, object[name], "%s of %s", name, line)
		}
		began, err := time.Parse(time.RFC3339, object["time"].(string))
		require.NoError(t, err)
		assert.WithinRange(t, began, before, time.Now().Add(time.Minute))
		assert.IsType(t, 0.0, object["duration"])
		assert.IsType(t, 0.0, object["bytes"])
	}
}

func TestRealVarnishncsaWritesCommonLines(t *testing.T) {
	socket := filepath.Join(varnishtest.Dir(t), "http.sock")
	varnishd := varnishtest.Start(t, logging, "-a", "http-80="+socket+",PROXY")
	out := &lines{}
	run(t, Options{Program: varnishtest.Beside(t, "varnishncsa"), Dir: varnishd.Dir, Format: Common, Out: out})
	awaitLogging(t, socket, out)
	send(t, socket, "GET /x?y=z HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: a \"b\"\r\n\r\n")
	// Host, user and everything else are what a client likes: "a b" is YSBi in base64 (RFC 7617).
	send(t, socket, "GET /y HTTP/1.1\r\nHost: 10.0.0.1 - - [22/Nov/2026] \"GET /forged\r\nAuthorization: Basic YSBiOmM=\r\n\r\n")
	out.await(t, "both lines", func(all []string) bool { return len(withoutWarmUp(all)) == 2 })

	begin := `^127\.0\.0\.1 - - \[\d{2}/\w{3}/\d{4}:\d{2}:\d{2}:\d{2} \+0000\] `
	for i, want := range []string{
		begin + `"GET /x\?y=z HTTP/1\.1" 200 \d+ "-" "a \\"b\\"" "www\.example\.com"$`,
		begin + `"GET /y HTTP/1\.1" 200 \d+ "-" "-" "10\.0\.0\.1 - - \[22/Nov/2026\] \\"GET /forged"$`,
	} {
		assert.Regexp(t, regexp.MustCompile(want), withoutWarmUp(out.complete())[i])
	}
}

func TestRealVarnishncsaFindsTheNextVarnishd(t *testing.T) {
	socket := filepath.Join(varnishtest.Dir(t), "http.sock")
	listen := "http-80=" + socket + ",PROXY"
	first := varnishtest.Start(t, logging, "-a", listen)
	out := &lines{}
	run(t, Options{Program: varnishtest.Beside(t, "varnishncsa"), Dir: first.Dir, Format: JSON, Out: out})
	awaitLogging(t, socket, out)
	first.Stop()
	varnishtest.StartIn(t, first.Dir, logging, "-a", listen)
	out.await(t, "a line from the next varnishd", func(all []string) bool {
		send(t, socket, "GET /again HTTP/1.1\r\nHost: a\r\n\r\n")
		return len(withoutWarmUp(all)) > 0
	})
}

// withoutWarmUp leaves out the lines of awaitLogging.
func withoutWarmUp(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(line string) bool { return strings.Contains(line, "/warm-up") })
}

// awaitLogging sends requests until one is logged: varnishncsa logs what happens once it is there.
func awaitLogging(t testing.TB, socket string, out *lines) {
	t.Helper()
	out.await(t, "the first line", func(all []string) bool {
		send(t, socket, "GET /warm-up HTTP/1.1\r\nHost: a\r\n\r\n")
		return len(all) > 0
	})
}

// send makes a request on a connection of its own, as if from the loopback device, and waits for the answer to end.
func send(t testing.TB, socket, request string) {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(varnishtest.Deadline)))
	_, err = io.WriteString(conn, "PROXY TCP4 127.0.0.1 127.0.0.1 54321 80\r\n"+strings.Replace(request, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.NotEmpty(t, answer)
}
