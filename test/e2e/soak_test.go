//go:build soak

package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/certificate"
	"github.com/varnish-gateway/gateway/test/process"
	"github.com/varnish-gateway/gateway/test/trend"
)

const (
	// warmUp is how many cycles go by before anything is measured: caches and pools fill, and varnishd keeps some old VCL.
	warmUp = 6
	// leastCycles are as many as the test for a trend needs.
	leastCycles = 10
	// mischief is how often each fault happens in a cycle.
	mischief = 20
	// memoryFloor is the part of its memory by which a process may grow over all cycles, since allocators keep what was free
	// at times; countFloor is that of descriptors, threads and goroutines, in number.
	memoryFloor, countFloor = 0.08, 4
	// soakGOGC is how many percent of what a Go process keeps it may hold as garbage. What it takes grows with the largest
	// heap so far, for many cycles by some MB where there is much garbage: the less there is, the sooner a leak shows.
	soakGOGC = "20"
)

// soak is a gateway that goes through the same changes and faults again and again, under a steady load.
type soak struct {
	*steady
	one, two *backend
	series   map[string][]float64
}

// TestSoak goes through cycles that are alike, SOAK_CYCLES of them, and finds what grows from one to the next: memory,
// descriptors, threads and goroutines of each process of a gateway.
func TestSoak(t *testing.T) {
	cycles, err := strconv.Atoi(os.Getenv("SOAK_CYCLES"))
	require.NoError(t, err, "SOAK_CYCLES is a number")
	require.GreaterOrEqual(t, cycles, leastCycles, "SOAK_CYCLES")
	t.Setenv("GOGC", soakGOGC)
	s := startSoak(t)
	before := s.parts()
	for cycle := range warmUp + cycles {
		s.cycle(cycle)
		if cycle >= warmUp {
			s.measure()
		}
	}
	assert.Equal(t, before, s.parts(), "nothing was restarted")
	noneFailed(t, s.end("soak"))
	for name, series := range s.series {
		growth := trend.Growth(series)
		t.Logf("%s: %.0f to %.0f, grew by %.0f", name, series[0], series[len(series)-1], growth)
		allowed := float64(countFloor)
		if strings.HasSuffix(name, "memory") {
			allowed = memoryFloor * series[0]
		}
		assert.LessOrEqual(t, growth, allowed, "%s grows: %.0f", name, series)
	}
}

func startSoak(t *testing.T) *soak {
	one, two := startBackend(t, "one"), startBackend(t, "two")
	files := simpleFiles(one.port)
	files["class.yaml"] = classWithVCL
	files["vcl.yaml"] = userVCL(`sub vcl_deliver { set resp.http.X-VCL = "start"; }`)
	files["two.yaml"] = service("two", two.port)
	g := startGateway(t, files)
	g.awaitVCLHeader("start")
	g.await("HTTPS", func() error { return g.from("one", "https://a.example/") })
	return &soak{steady: startSteadyOfAll(t, g), one: one, two: two, series: map[string][]float64{}}
}

// cycle changes each thing and changes it back, misbehaves, and lets the load go on meanwhile.
func (s *soak) cycle(n int) {
	s.write("extra.yaml", route("extra", "", "  - matches: [{path: {value: /extra}}]\n    backendRefs: [{name: two, port: 80}]"))
	s.await("a route that comes", func() error { return s.from("two", "http://a.example/extra") })
	s.write("extra.yaml", "")
	s.await("a route that goes", func() error { return s.from("one", "http://a.example/extra") })

	s.write("services.yaml", service("one", s.two.port))
	s.await("an endpoint that changes", func() error { return s.from("two", "http://a.example/") })
	s.write("services.yaml", service("one", s.one.port))
	s.await("an endpoint that changes back", func() error { return s.from("one", "http://a.example/") })

	next, err := certificate.SelfSigned("a.example")
	require.NoError(s.t, err)
	s.write("certificate.yaml", next.Secret("certificate"))
	s.await("a certificate that changes", func() error { return s.presents(next) })

	s.write("vcl.yaml", userVCL(`sub vcl_deliver { set resp.http.X-VCL = nonsense; }`))
	value := fmt.Sprint("cycle-", n)
	s.write("vcl.yaml", userVCL(`sub vcl_deliver { set resp.http.X-VCL = "`+value+`"; }`))
	s.awaitVCLHeader(value)

	s.misbehave()
	s.more()
}

func (s *soak) presents(pair certificate.Pair) error {
	conn, err := tls.Dial("tcp", s.address("https"), &tls.Config{ServerName: "a.example", InsecureSkipVerify: true}) //nolint:gosec // only the serial matters
	if err != nil {
		return err
	}
	defer conn.Close()
	if conn.ConnectionState().PeerCertificates[0].SerialNumber.Cmp(pair.Serial) != 0 {
		return fmt.Errorf("the old certificate is presented")
	}
	return nil
}

// misbehave is what bad clients and backends do: half requests, half answers, nonsense, and answers that break off.
func (s *soak) misbehave() {
	const large = "GET / HTTP/1.1\r\nHost: a.example\r\nX-Echo-Size: 3000000\r\n\r\n"
	for range mischief {
		for _, scheme := range []string{"http", "https"} {
			for _, bytes := range []string{"", "GET / HT", "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9\r\n\r\nhalf"} {
				conn := s.connect(scheme, "http/1.1")
				_, err := io.WriteString(conn, bytes)
				require.NoError(s.t, err)
				require.NoError(s.t, conn.Close())
			}
			conn := s.connect(scheme, "http/1.1")
			_, err := io.WriteString(conn, large)
			require.NoError(s.t, err)
			_, err = io.ReadFull(conn, make([]byte, 10_000))
			require.NoError(s.t, err)
			require.NoError(s.t, conn.Close())
			assert.Len(s.t, s.exchange(scheme, "GET / HTTP/1.1\r\nHost\r\n\r\n"), 1)
			s.exchangeHTTP2(scheme, withField("X-A", "1"))
		}
		// Where nothing was sent yet, the gateway says so; else it breaks the connection.
		_, _ = s.get("http://a.example/", withHeader("X-Echo-Size", "300000"), withHeader("X-Echo-Truncate", "true"))
		_, _ = s.get("https://a.example/", withHeader("X-Echo-Truncate", "true"), withHeader("X-Echo-Chunked", "true"))
		// A handshake that does not come to an end.
		_, err := tls.Dial("tcp", s.address("https"), &tls.Config{ServerName: "nobody.invalid"})
		assert.Error(s.t, err)
	}
}

// measure looks at each process.
func (s *soak) measure() {
	parts := s.parts()
	for name, pid := range map[string]int{
		"gatewayctl": parts.Gatewayctl, "chaperone": parts.Chaperone, "varnishd": parts.Varnishd, "varnishd's child": parts.Child,
	} {
		use, err := process.Use(pid)
		require.NoError(s.t, err)
		s.add(name+": memory", float64(use.Memory))
		s.add(name+": descriptors", float64(use.Descriptors))
		s.add(name+": threads", float64(use.Threads))
	}
	goroutines, err := s.metric("go_goroutines")
	require.NoError(s.t, err)
	s.add("chaperone: goroutines", goroutines)
}

func (s *soak) add(name string, value float64) { s.series[name] = append(s.series[name], value) }

// TestNoGoroutineOfGatewayctlStays goes through some cycles, and then lets gatewayctl say what its goroutines are: none is
// there once for each cycle.
func TestNoGoroutineOfGatewayctlStays(t *testing.T) {
	s := startSoak(t)
	for cycle := range leastCycles {
		s.cycle(cycle)
	}
	s.end("before the dump")
	require.NoError(t, s.stack.Quit())
	created := regexp.MustCompile(`(?m)^created by (.*) in goroutine`)
	times := map[string]int{}
	for _, match := range created.FindAllStringSubmatch(s.log.String(), -1) {
		times[match[1]]++
	}
	require.NotEmpty(t, times, "the dump names goroutines")
	for by, n := range times {
		assert.Less(t, n, leastCycles, "goroutines created by %s", by)
	}
}
