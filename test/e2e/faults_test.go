package e2e

import (
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/process"
	"github.com/varnish-gateway/gateway/test/stack"
)

// startFaulty is a gateway with a steady load on it, to which something bad will happen.
func startFaulty(t *testing.T) *steady {
	one := startBackend(t, "one")
	g := startGateway(t, simpleFiles(one.port))
	g.await("the route", func() error { return g.from("one", "http://a.example/") })
	return startSteadyOfAll(t, g)
}

func TestVarnishdsChildIsKilled(t *testing.T) {
	s := startFaulty(t)
	before := s.parts()
	require.NoError(t, syscall.Kill(before.Child, syscall.SIGKILL))
	after := s.partsOtherThan(func(now stack.Parts) bool { return now.Child == before.Child })
	s.more()
	onlyInFlight(t, s.end("varnishd's child killed"))
	assert.Equal(t, before.Varnishd, after.Varnishd, "varnishd itself survives")
	assert.NotEqual(t, before.Child, after.Child)
}

func TestVarnishdIsKilled(t *testing.T) {
	s := startFaulty(t)
	before := s.parts()
	require.NoError(t, syscall.Kill(before.Varnishd, syscall.SIGKILL))
	after := s.partsOtherThan(func(now stack.Parts) bool { return now.Varnishd == before.Varnishd })
	s.more()
	onlyInFlight(t, s.end("varnishd killed"))
	assert.Equal(t, before.Chaperone, after.Chaperone, "chaperone survives")
	assert.NotEqual(t, before.Varnishd, after.Varnishd)
}

func TestChaperoneIsToldToStop(t *testing.T) {
	s := startFaulty(t)
	before := s.parts()
	// A load balancer sends no new connections to a pod that is not ready; the open ones go on.
	s.Withdraw()
	restore := sync.OnceFunc(s.Restore)
	defer restore()
	err := syscall.Kill(before.Chaperone, syscall.SIGTERM)
	// gatewayctl starts another one in its place.
	s.partsOtherThan(func(now stack.Parts) bool { return now.Chaperone == before.Chaperone })
	s.await("the new one to answer", func() error { return s.from("one", "http://a.example/") })
	restore()
	require.NoError(t, err)
	s.more()
	assert.NoError(t, s.end("chaperone told to stop").AfterDrain(1))
}

func TestChaperoneIsKilled(t *testing.T) {
	s := startFaulty(t)
	before := s.parts()
	require.NoError(t, syscall.Kill(before.Chaperone, syscall.SIGKILL))
	s.partsOtherThan(func(now stack.Parts) bool { return now.Chaperone == before.Chaperone })
	s.more()
	onlyInFlight(t, s.end("chaperone killed"))
}

func TestChaperoneIsToldToReadItsConfigurationAgain(t *testing.T) {
	s := startFaulty(t)
	before := s.parts()
	require.NoError(t, syscall.Kill(before.Chaperone, syscall.SIGHUP))
	s.write("later.yaml", route("later", "later.example", "  - backendRefs: [{name: one, port: 80}]"))
	s.await("a later route", func() error { return s.from("one", "http://later.example/") })
	s.more()
	noneFailed(t, s.end("chaperone got SIGHUP"))
	assert.Equal(t, before, s.parts(), "nothing was restarted")
}

func TestATerminalThatGoesAwayEndsEverything(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		// What this process ignores, its children do as well; a program that is caught ignoring it gives it back.
		caught := make(chan os.Signal, 1)
		signal.Notify(caught, syscall.SIGHUP)
		defer signal.Stop(caught)
	}
	one := startBackend(t, "one")
	g := startGateway(t, simpleFiles(one.port))
	parts, err := g.stack.Parts()
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(parts.Gatewayctl, syscall.SIGHUP))
	select {
	case <-g.stack.Done():
	case <-time.After(patience):
		require.Fail(t, "gatewayctl goes on")
	}
	for _, pid := range []int{parts.Chaperone, parts.Varnishd, parts.Child} {
		assert.False(t, process.Alive(pid), "process %d has ended before gatewayctl", pid)
	}
	assert.Contains(t, g.log.String(), "gateway stopped")
}

func TestBrokenVCLNeverTakesEffect(t *testing.T) {
	one := startBackend(t, "one")
	files := simpleFiles(one.port)
	files["class.yaml"] = classWithVCL
	files["vcl.yaml"] = userVCL(`sub vcl_deliver { set resp.http.X-VCL = "good"; }`)
	g := startGateway(t, files)
	g.awaitVCLHeader("good")
	s := startSteadyOfAll(t, g)
	g.write("vcl.yaml", userVCL(`sub vcl_deliver { set resp.http.X-VCL = nonsense; }`))
	g.awaitLog("The VCL does not compile; the last good one serves.")
	g.awaitVCLHeader("good")
	s.more()
	noneFailed(t, s.end("broken VCL"))
	g.write("vcl.yaml", userVCL(`sub vcl_deliver { set resp.http.X-VCL = "better"; }`))
	g.awaitVCLHeader("better")
}

func TestABrokenRoutingFileLeavesTheLastGoodOneServing(t *testing.T) {
	s := startFaulty(t)
	data, err := filepath.Glob(filepath.Join(s.state, "*", "config", "..data"))
	require.NoError(t, err)
	require.Len(t, data, 1)
	require.NoError(t, halve(data[0], "routing.json"))
	s.awaitLog("The routing configuration was refused; the last good one serves.")
	s.more()
	before := s.parts()
	require.NoError(t, syscall.Kill(before.Child, syscall.SIGKILL))
	s.partsOtherThan(func(now stack.Parts) bool { return now.Child == before.Child })
	s.more() // the new child starts from the last good one, too
	onlyInFlight(t, s.end("broken routing.json, and then varnishd's child killed"))
}

// halve cuts a file of a mounted volume in two, and swaps the link ..data as the kubelet does.
func halve(link, name string) error {
	next := filepath.Join(filepath.Dir(link), "..halved")
	if err := os.CopyFS(next, os.DirFS(link)); err != nil {
		return err
	}
	whole, err := os.ReadFile(filepath.Join(next, name))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(next, name), whole[:len(whole)/2], 0o600); err != nil {
		return err
	}
	if err := os.Symlink(filepath.Base(next), link+"_next"); err != nil {
		return err
	}
	return os.Rename(link+"_next", link)
}

func TestOneOfTwoBackendsIsGone(t *testing.T) {
	one, two := startBackend(t, "one"), startBackend(t, "one")
	g := startGateway(t, simpleFiles(one.port, two.port))
	g.await("the route", func() error { return g.from("one", "http://a.example/") })
	s := startSteadyOfAll(t, g)
	two.stop()
	s.more()
	// connection refused is no reason to fail while another endpoint is there
	noneFailed(t, s.end("one of two backends gone, and still listed"))
}

func TestTheOnlyBackendIsGone(t *testing.T) {
	one := startBackend(t, "one")
	g := startGateway(t, simpleFiles(one.port))
	g.await("the route", func() error { return g.from("one", "http://a.example/") })
	one.stop()
	a, err := g.get("http://a.example/")
	require.NoError(t, err)
	assert.Equal(t, 503, a.StatusCode)
	back := startBackend(t, "one")
	g.write("services.yaml", service("one", back.port))
	g.await("the new pod", func() error { return g.from("one", "http://a.example/") })
}
