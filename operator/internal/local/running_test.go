package local

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/operator/internal/manifest"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// shown is one thing that a Runner has shown.
type shown struct {
	problems []manifest.Problem
	report.Report
}

func (s shown) gateway(name string) *report.Gateway {
	for i := range s.Gateways {
		if s.Gateways[i].Name == name {
			return &s.Gateways[i]
		}
	}
	return nil
}

// programmed says of a Gateway that it runs what it is to run.
func programmed(name string) func(shown) bool {
	return func(s shown) bool {
		g := s.gateway(name)
		return g != nil && report.IsTrue(g.Conditions, "Programmed")
	}
}

// says is a Gateway that is not programmed, with these words in the message.
func says(name, words string) func(shown) bool {
	return func(s shown) bool {
		g := s.gateway(name)
		if g == nil {
			return false
		}
		c := report.Find(g.Conditions, "Programmed")
		return c != nil && c.Status != metav1.ConditionTrue && strings.Contains(c.Message, words)
	}
}

// running is a Runner with all that it has shown.
type running struct {
	t       *testing.T
	dir     string
	state   *StateDir
	mu      sync.Mutex
	history []shown
	changed chan struct{}
	logs    *observer.ObservedLogs
	stop    func()
}

func (r *running) show(problems []manifest.Problem, all report.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history = append(r.history, shown{problems, all})
	close(r.changed)
	r.changed = make(chan struct{})
}

// until waits for ok to hold of what has been shown.
func (r *running) until(what string, ok func(history []shown) bool) {
	r.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		r.mu.Lock()
		changed, history := r.changed, r.history
		r.mu.Unlock()
		if ok(history) {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			r.t.Fatalf("never came to: %s; there is %+v", what, history[len(history)-1])
		}
	}
}

// await waits until what is shown is as it should be.
func (r *running) await(what string, ok func(shown) bool) {
	r.t.Helper()
	r.until(what, func(history []shown) bool { return len(history) > 0 && ok(history[len(history)-1]) })
}

// now is the place in the history from which passed looks on.
func (r *running) now() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.history)
}

// passed waits until something was shown since then, be it for a moment.
func (r *running) passed(what string, since int, ok func(shown) bool) {
	r.t.Helper()
	r.until(what, func(history []shown) bool {
		for _, s := range history[since:] {
			if ok(s) {
				return true
			}
		}
		return false
	})
}

// latest is what is shown now.
func (r *running) latest() shown {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.history[len(r.history)-1]
}

// write replaces a file in one step: between emptying and writing it, a busy machine may take its time.
func (r *running) write(name, text string) {
	r.t.Helper()
	temporary := filepath.Join(r.dir, ".new")
	require.NoError(r.t, os.WriteFile(temporary, []byte(text), 0o644))
	require.NoError(r.t, os.Rename(temporary, filepath.Join(r.dir, name)))
}

func (r *running) remove(name string) {
	r.t.Helper()
	require.NoError(r.t, os.Remove(filepath.Join(r.dir, name)))
}

// config is a file that a Gateway of the namespace default is to run.
func (r *running) config(gateway, name string) string {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.state.gatewayDir(Key{"default", gateway}), "config", name))
	require.NoError(r.t, err)
	return string(data)
}

func freePort(t *testing.T) string {
	t.Helper()
	address, err := freeAddress()
	require.NoError(t, err)
	return address[strings.LastIndex(address, ":")+1:]
}

func newState(t *testing.T) *StateDir {
	t.Helper()
	state, err := OpenStateDir("")
	require.NoError(t, err)
	return state
}

// start runs a directory of files, given by name.
func start(t *testing.T, files map[string]string) *running {
	t.Helper()
	return startIn(t, newState(t), files)
}

func startIn(t *testing.T, state *StateDir, files map[string]string) *running {
	t.Helper()
	r := &running{t: t, dir: filepath.Join(t.TempDir(), "manifests"), state: state, changed: make(chan struct{})}
	require.NoError(t, os.Mkdir(r.dir, 0o755))
	for name, text := range files {
		r.write(name, text)
	}
	r.run(r.dir)
	return r
}

// run takes in a path until the test ends or r.stop is called.
func (r *running) run(path string) {
	r.t.Helper()
	self, err := os.Executable()
	require.NoError(r.t, err)
	core, logs := observer.New(zap.InfoLevel)
	r.logs = logs
	ctx, cancel := context.WithCancel(r.t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, Options{
			Paths: []string{path}, State: r.state, Binaries: Binaries{Chaperone: self}, Address: "127.0.0.1", LogLevel: "info",
			DrainTimeout: time.Second, Stdout: io.Discard, Stderr: io.Discard, Log: zap.New(core), Show: r.show,
		})
	}()
	r.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(r.t, <-ended)
		require.NoError(r.t, r.state.Close())
	})
	r.t.Cleanup(r.stop)
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
