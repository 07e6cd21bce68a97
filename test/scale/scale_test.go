// Package scale reports how the whole stack does with ten thousand routes in one directory. Times are reported, never
// asserted: machines differ.
package scale

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/await"
	"github.com/varnish-gateway/gateway/test/echo"
	"github.com/varnish-gateway/gateway/test/process"
	"github.com/varnish-gateway/gateway/test/stack"
)

const (
	routes = 10_000
	// changes is how many routes are saved, one after another, to time each.
	changes = 9
	// patience bounds each wait: ten thousand files are checked against their schema at the start.
	patience = 5 * time.Minute
)

const commonManifests = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: varnish
  listeners: [{name: http, port: %d, protocol: HTTP}]
---
apiVersion: v1
kind: Service
metadata: {name: one}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: one-1, labels: {kubernetes.io/service-name: one}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1]}]
ports: [{name: http, port: %d}]
`

const routeManifest = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: route-%[1]d}
spec:
  parentRefs: [{name: web}]
  hostnames: [route-%[1]d.example]
  rules:
  - matches: [{path: {type: PathPrefix, value: /%[2]s}}]
    backendRefs: [{name: one, port: 80}]
`

// fixture is a running stack.
type fixture struct {
	t          *testing.T
	dir, state string
	address    string
	stack      *stack.Stack
	client     *http.Client
	// log has the durations of each step.
	log *os.File
}

func TestTenThousandRoutesInOneDirectory(t *testing.T) {
	f := start(t)
	began := time.Now()
	f.await(routes-1, "first")
	t.Logf("%d routes in as many files: the last one answers %.1f s after the start", routes, time.Since(began).Seconds())

	var times []time.Duration
	for i := range changes {
		route, path := i*(routes/changes), "changed-"+strconv.Itoa(i)
		f.write(route, path)
		saved := time.Now()
		f.await(route, path)
		times = append(times, time.Since(saved))
	}
	slices.Sort(times)
	t.Logf("from saving a change to the first right answer: median %d ms, fastest %d ms, slowest %d ms",
		times[changes/2].Milliseconds(), times[0].Milliseconds(), times[changes-1].Milliseconds())
	f.reportSteps()
	f.reportMemory()
	f.reportSizes()
}

// reportSteps tells how long the last change took in each part.
func (f *fixture) reportSteps() {
	data, err := os.ReadFile(f.log.Name())
	require.NoError(f.t, err)
	for _, words := range []string{"manifests applied", "ghost runs new routing"} {
		last := ""
		for line := range strings.Lines(string(data)) {
			if strings.Contains(line, words) {
				last = strings.TrimSpace(line)
			}
		}
		f.t.Logf("the last change: %s", last)
	}
}

func start(t *testing.T) *fixture {
	binaries, err := stack.FindBinaries("../../build")
	require.NoError(t, err)
	backend, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- echo.Serve(ctx, backend, echo.Options{Service: "one"}) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-served) })

	port := freePort(t)
	f := &fixture{t: t, dir: t.TempDir(), address: fmt.Sprintf("127.0.0.1:%d", port)}
	f.state, err = os.MkdirTemp("", "gw-scale-")
	require.NoError(t, err)
	f.log, err = os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	common := fmt.Sprintf(commonManifests, port, backend.Addr().(*net.TCPAddr).Port)
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "common.yaml"), []byte(common), 0o600))
	for i := range routes {
		f.write(i, "first")
	}
	f.client = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, f.address)
	}}}
	f.stack, err = stack.Start(stack.Options{
		Binaries: binaries, Manifests: []string{f.dir}, StateDir: f.state, Stdout: io.Discard, Stderr: f.log,
		Arguments: []string{"--log-level", "debug"},
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		f.client.CloseIdleConnections()
		require.NoError(t, f.stack.Stop())
		require.NoError(t, f.log.Close())
		require.NoError(t, os.RemoveAll(f.state))
	})
	return f
}

// freePort is a port that nothing listens on, below those that the kernel gives to clients (ip_local_port_range,
// ip(7)): so no connection of another test takes it before varnishd does.
func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := 10000 + rand.IntN(20000)
		if listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			require.NoError(t, listener.Close())
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// write replaces the manifest of a route at once, so that nobody reads half of it.
func (f *fixture) write(route int, path string) {
	f.t.Helper()
	text := fmt.Sprintf(routeManifest, route, path)
	file := filepath.Join(f.dir, fmt.Sprintf("route-%05d.yaml", route))
	require.NoError(f.t, os.WriteFile(file+".new", []byte(text), 0o600))
	require.NoError(f.t, os.Rename(file+".new", file))
}

// await waits until a route answers at a path.
func (f *fixture) await(route int, path string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	url := fmt.Sprintf("http://route-%d.example/%s", route, path)
	require.NoError(f.t, await.Success(ctx, url, func() error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := f.client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", response.StatusCode)
		}
		return nil
	}))
}

func (f *fixture) reportMemory() {
	parts, err := f.stack.Parts()
	require.NoError(f.t, err)
	for _, part := range []struct {
		name string
		pid  int
	}{{"gatewayctl", parts.Gatewayctl}, {"chaperone", parts.Chaperone}, {"varnishd", parts.Varnishd}, {"varnishd's child with ghost", parts.Child}} {
		resident, err := process.Resident(part.pid)
		require.NoError(f.t, err)
		f.t.Logf("memory of %s: %d MiB", part.name, resident>>20)
	}
}

func (f *fixture) reportSizes() {
	for what, pattern := range map[string]string{
		"routing.json": "*/config/routing.json", "all shards": "*/shards/*.json", "ghost.json": "*/run/varnish/ghost.json", "main.vcl": "*/config/main.vcl",
	} {
		paths, err := filepath.Glob(filepath.Join(f.state, pattern))
		require.NoError(f.t, err)
		var size int64
		for _, path := range paths {
			info, err := os.Stat(path)
			require.NoError(f.t, err)
			size += info.Size()
		}
		f.t.Logf("size of %s: %d kB in %d files", what, size/1000, len(paths))
	}
}
