package local

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/operator/internal/manifest"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

// TestMain lets the test binary stand in for chaperone when it is started with chaperone's flags.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "--gateway" {
		fakeChaperone(os.Args[1:])
		return
	}
	os.Exit(m.Run())
}

// fakeChaperone says on its admin API that it runs whatever lies in its directories.
func fakeChaperone(args []string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	flags := flag.NewFlagSet("chaperone", flag.ExitOnError)
	values := map[string]*string{}
	for _, name := range []string{"gateway", "source", "config-dir", "shards-dir", "tls-dir", "endpoints-dir", "work-dir", "address",
		"admin-address", "admin-token-file", "health-address", "access-log", "log-level", "drain-delay", "drain-timeout", "varnishd", "vmod-path", "listen"} {
		values[name] = flags.String(name, "", "")
	}
	_ = flags.Parse(args)
	token, _ := os.ReadFile(*values["admin-token-file"])
	revision := 0
	server := &http.Server{Addr: *values["admin-address"], Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+string(token) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		routing, _ := os.ReadFile(filepath.Join(*values["config-dir"], "routing.json"))
		vcl, _ := os.ReadFile(filepath.Join(*values["config-dir"], "main.vcl"))
		header, _, _ := mainvcl.Parse(vcl)
		revision++
		_ = json.NewEncoder(w).Encode(map[string]any{
			"revision": revision, "ready": true,
			"routing": map[string]any{"sequence": contract.Sequence(routing), "error": ""},
			"vcl":     map[string]any{"sequence": header.Sequence, "error": ""},
			"sockets": []string{*values["listen"]},
		})
	})}
	go func() { _ = server.ListenAndServe() }()
	<-ctx.Done()
}

const oneGateway = `{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: web},
  spec: {gatewayClassName: varnish, listeners: [{name: http, port: %PORT%, protocol: HTTP}]}}`

const oneRoute = `{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: hello},
  spec: {parentRefs: [{name: web}], rules: [{backendRefs: [{name: hello, port: 80}]}]}}`

// running is a Runner with the last thing that it has shown.
type running struct {
	t     *testing.T
	dir   string
	state *StateDir
	mu    sync.Mutex
	// pids of chaperones, as the log has them.
	problems []manifest.Problem
	report   report.Report
	changed  chan struct{}
	stop     func()
}

func (r *running) show(problems []manifest.Problem, shown report.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems, r.report = problems, shown
	close(r.changed)
	r.changed = make(chan struct{})
}

// await waits until what is shown is as it should be.
func (r *running) await(what string, ok func() bool) {
	r.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		r.mu.Lock()
		changed, good := r.changed, ok()
		r.mu.Unlock()
		if good {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			r.mu.Lock()
			defer r.mu.Unlock()
			r.t.Fatalf("never came to: %s; there is %v, %+v", what, r.problems, r.report)
		}
	}
}

func (r *running) programmed(name string) func() bool {
	return func() bool {
		for _, g := range r.report.Gateways {
			if g.Name == name {
				return report.IsTrue(g.Conditions, "Programmed")
			}
		}
		return false
	}
}

// write replaces a file in one step: between emptying and writing it, a busy machine may take its time.
func (r *running) write(name, text string) {
	r.t.Helper()
	temporary := filepath.Join(r.dir, ".new")
	require.NoError(r.t, os.WriteFile(temporary, []byte(text), 0o644))
	require.NoError(r.t, os.Rename(temporary, filepath.Join(r.dir, name)))
}

func (r *running) config(name string) string {
	data, err := os.ReadFile(filepath.Join(r.state.gatewayDir(Key{"default", "web"}), "config", name))
	require.NoError(r.t, err)
	return string(data)
}

func freePort(t *testing.T) string {
	address, err := freeAddress()
	require.NoError(t, err)
	return address[strings.LastIndex(address, ":")+1:]
}

func start(t *testing.T, files map[string]string) *running {
	t.Helper()
	state, err := OpenStateDir("")
	require.NoError(t, err)
	r := &running{t: t, dir: t.TempDir(), state: state, changed: make(chan struct{})}
	for name, text := range files {
		r.write(name, text)
	}
	self, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, Options{
			Paths: []string{r.dir}, State: state, Binaries: Binaries{Chaperone: self}, Address: "127.0.0.1", LogLevel: "info",
			DrainTimeout: time.Second, Stdout: io.Discard, Stderr: io.Discard, Log: zap.NewNop(), Show: r.show,
		})
	}()
	r.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
		require.NoError(t, state.Close())
	})
	t.Cleanup(r.stop)
	return r
}

func TestAGatewayIsRunAndFollowed(t *testing.T) {
	port := freePort(t)
	r := start(t, map[string]string{"gateway.yaml": strings.ReplaceAll(oneGateway, "%PORT%", port)})
	r.await("the gateway is programmed", r.programmed("web"))
	assert.Equal(t, int64(1), contract.Sequence([]byte(r.config("routing.json"))))
	assert.Contains(t, r.config("main.vcl"), "import ghost")

	r.write("route.yaml", oneRoute)
	r.await("the route is there", func() bool { return len(r.report.HTTPRoutes) == 1 && r.programmed("web")() })
	assert.Equal(t, int64(2), contract.Sequence([]byte(r.config("routing.json"))))

	r.write("route.yaml", "kind: [")
	r.await("the broken file is named", func() bool { return len(r.problems) == 1 })
	assert.Len(t, r.report.HTTPRoutes, 1, "what was good still serves")
	assert.Equal(t, int64(2), contract.Sequence([]byte(r.config("routing.json"))))

	require.NoError(t, os.Remove(filepath.Join(r.dir, "gateway.yaml")))
	r.await("the gateway is gone", func() bool { return len(r.report.Gateways) == 0 })
}

func TestAChaperoneThatEndsIsStartedAgain(t *testing.T) {
	r := start(t, map[string]string{"gateway.yaml": strings.ReplaceAll(oneGateway, "%PORT%", freePort(t))})
	r.await("the gateway is programmed", r.programmed("web"))
	pids := children(t)
	require.Len(t, pids, 1)
	require.NoError(t, syscall.Kill(pids[0], syscall.SIGKILL))
	r.await("the end is told", func() bool {
		return len(r.report.Gateways) == 1 && strings.Contains(message(r.report.Gateways[0].Conditions), "ended: signal: killed")
	})
	r.await("another one runs", r.programmed("web"))
	r.stop()
	assert.Empty(t, children(t), "nothing is left behind")
}

func TestAnotherPortRestartsTheGateway(t *testing.T) {
	r := start(t, map[string]string{"gateway.yaml": strings.ReplaceAll(oneGateway, "%PORT%", freePort(t))})
	r.await("the gateway is programmed", r.programmed("web"))
	before := children(t)
	r.write("gateway.yaml", strings.ReplaceAll(oneGateway, "%PORT%", freePort(t)))
	r.await("it is down for a moment", func() bool { return !r.programmed("web")() })
	r.await("it is programmed again", r.programmed("web"))
	assert.NotEqual(t, before, children(t))
}

func TestAPortThatSomebodyElseHasIsNamed(t *testing.T) {
	port := freePort(t)
	squatter := &http.Server{Addr: "127.0.0.1:" + port}
	go func() { _ = squatter.ListenAndServe() }()
	t.Cleanup(func() { require.NoError(t, squatter.Close()) })
	require.Eventually(t, func() bool { _, err := http.Get("http://127.0.0.1:" + port); return err == nil }, 10*time.Second, time.Millisecond)
	r := start(t, map[string]string{"gateway.yaml": strings.ReplaceAll(oneGateway, "%PORT%", port)})
	r.await("the conflict is named", func() bool {
		return len(r.report.Gateways) == 1 &&
			strings.Contains(message(r.report.Gateways[0].Conditions), "port "+port+" on 127.0.0.1 is in use by another process")
	})
}

func message(conditions []report.Condition) string {
	if c := report.Find(conditions, "Programmed"); c != nil && c.Status != metav1.ConditionTrue {
		return c.Message
	}
	return ""
}

// children are the processes that this one has started and that have not ended.
func children(t *testing.T) []int {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	require.NoError(t, err)
	var pids []int
	for _, list := range lists {
		data, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(data)) {
			var pid int
			_, err := fmt.Sscan(field, &pid)
			require.NoError(t, err)
			pids = append(pids, pid)
		}
	}
	return pids
}
