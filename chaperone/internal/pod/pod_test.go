package pod

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"

	"github.com/varnish-gateway/gateway/chaperone/internal/options"
	"github.com/varnish-gateway/gateway/chaperone/internal/socket"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// mainVCL stands in for ghost: it answers reloads, and every request with a text. "/slow" waits for a
// backend that the test holds.
func mainVCL(sequence int, text, backend string) []byte {
	return fmt.Appendf(nil, `// varnish-gateway main.vcl 1.1 sequence %d
vcl 4.1;
backend slow { %s }
sub vcl_recv {
	if (local.socket == "ghost-reload") { return (synth(200)); }
	if (req.url == "/slow") { return (pass); }
	return (synth(200));
}
sub vcl_synth {
	if (local.socket == "ghost-reload") {
		set resp.body = {"{"sequence":1,"diagnostics":[]}"};
	} else {
		set resp.body = "%s";
	}
	return (deliver);
}
`, sequence, backend, text)
}

const noBackend = `.path = "/nonexistent";`

// running is a pod under test.
type running struct {
	t   *testing.T
	pod *Pod
	dir string
	// sockets that are open.
	sockets []socket.Socket
	stop    context.CancelFunc
	err     chan error
}

func startPod(t *testing.T, vcl []byte, arguments ...string) *running {
	dir := varnishtest.Dir(t)
	r := &running{t: t, dir: dir, err: make(chan error, 1)}
	o, err := options.Parse(append([]string{
		"--gateway", "shop/edge", "--source", "files", "--config-dir", r.config(), "--shards-dir", filepath.Join(dir, "shards"),
		"--tls-dir", r.tls(), "--work-dir", filepath.Join(dir, "run"), "--address", "127.0.0.1",
		"--varnishd", varnishtest.Varnishd(t), "--drain-delay", "0s", "--health-address", "127.0.0.1:0",
	}, arguments...))
	require.NoError(t, err)
	// The ports are those that the kernel finds free.
	for i := range o.Sockets {
		o.Sockets[i].Port = freePort(t)
	}
	r.sockets = o.Sockets
	r.write("main.vcl", vcl)
	r.routing(1)
	r.pod, err = New(o, zaptest.NewLogger(t))
	require.NoError(t, err)
	stop, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	hurry, hasten := context.WithCancel(context.Background())
	go func() { r.err <- r.pod.Run(stop, hurry) }()
	t.Cleanup(func() {
		cancel()
		hasten()
		select {
		case err := <-r.err:
			assert.NoError(t, err)
		case <-time.After(varnishtest.Deadline):
			t.Error("the pod does not end")
		}
	})
	return r
}

func (r *running) config() string { return filepath.Join(r.dir, "config") }

func (r *running) tls() string { return filepath.Join(r.dir, "tls") }

func (r *running) write(file string, content []byte) {
	r.t.Helper()
	require.NoError(r.t, os.MkdirAll(r.config(), 0o755))
	path := filepath.Join(r.config(), file)
	require.NoError(r.t, os.WriteFile(path+".tmp", content, 0o644))
	require.NoError(r.t, os.Rename(path+".tmp", path))
}

// routing writes a routing.json with a listener for each socket.
func (r *running) routing(sequence int64) {
	r.t.Helper()
	config := routing.Config{Sequence: sequence, Gateway: routing.Gateway{Namespace: "shop", Name: "edge"}}
	for _, s := range r.sockets {
		listener := routing.Listener{Name: s.Name(), Socket: s.Name(), Port: int32(s.Port), Protocol: s.Protocol}
		if s.Secure() {
			listener.Certificates = []string{"web"}
		}
		config.Listeners = append(config.Listeners, listener)
	}
	data, err := routing.Encode(config)
	require.NoError(r.t, err)
	r.write("routing.json", data)
}

func (r *running) status() adminapi.Status { return r.pod.board.Get() }

func (r *running) eventually(what string, condition func(adminapi.Status) bool) {
	r.t.Helper()
	varnishtest.Eventually(r.t, what, func() bool { return condition(r.status()) })
}

// freePort is one at which nobody listens.
func freePort(t *testing.T) int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// address asks varnishd where its first socket is.
func (r *running) address() (string, error) {
	r.pod.lifecycle.mu.Lock()
	cli := r.pod.lifecycle.cli
	r.pod.lifecycle.mu.Unlock()
	if cli == nil {
		return "", errors.New("varnishd is away")
	}
	list, err := cli.Do(r.t.Context(), "debug.listen_address")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(list) {
		if name, address, _ := strings.Cut(strings.TrimSpace(line), " "); name == r.sockets[0].Name() {
			return strings.Replace(address, " ", ":", 1), nil
		}
	}
	return "", errors.New("varnishd does not listen")
}

// get fetches a path from varnishd.
func (r *running) get(path string) string {
	address, err := r.address()
	if err != nil {
		return err.Error()
	}
	return varnishtest.Get("http://" + address + path)
}

func (r *running) answers(text string) {
	r.t.Helper()
	varnishtest.Eventually(r.t, "the answer is "+text, func() bool {
		return r.get("/") == "200 "+text
	})
}

func (r *running) ready() {
	r.t.Helper()
	r.eventually("the pod is ready", func(s adminapi.Status) bool { return s.Ready })
}

func TestAPodServesAndFollowsItsFiles(t *testing.T) {
	r := startPod(t, mainVCL(1, "one", noBackend), "--listen", "http-80")
	r.ready()
	r.answers("one")
	s := r.status()
	assert.Equal(t, "7.7.0", s.Versions.Varnishd)
	assert.EqualValues(t, 1, s.Routing.Sequence)
	assert.EqualValues(t, 1, s.VCL.Sequence)

	health := "http://" + r.pod.health.Addr().String()
	assert.Equal(t, "200 ok", varnishtest.Get(health+"/healthz"))
	assert.Equal(t, "200 ready", varnishtest.Get(health+"/readyz"))
	assert.Contains(t, varnishtest.Get(health+"/metrics"), "varnish_main_")

	r.routing(2)
	r.eventually("newer routing is in effect", func(s adminapi.Status) bool { return s.Routing.Sequence == 2 })
	r.write("main.vcl", mainVCL(2, "two", noBackend))
	r.answers("two")
	r.eventually("newer VCL is told", func(s adminapi.Status) bool { return s.VCL.Sequence == 2 && s.VCL.Error == "" })
}

func TestWhatIsBrokenLeavesTheLastGoodState(t *testing.T) {
	r := startPod(t, mainVCL(1, "one", noBackend), "--listen", "http-80")
	r.ready()
	r.write("main.vcl", []byte("// varnish-gateway main.vcl 1.1 sequence 2\nvcl 4.1;\nnonsense\n"))
	r.eventually("the compiler's message is told", func(s adminapi.Status) bool {
		return strings.Contains(s.VCL.Error, "'main.vcl' Line 3")
	})
	r.write("routing.json", []byte(`{"version":`))
	r.eventually("the parser's message is told", func(s adminapi.Status) bool { return s.Routing.Error != "" })
	r.answers("one")
	assert.EqualValues(t, 1, r.status().VCL.Sequence)
	assert.EqualValues(t, 1, r.status().Routing.Sequence)
	assert.True(t, r.status().Ready)

	r.write("main.vcl", mainVCL(3, "three", noBackend))
	r.routing(3)
	r.answers("three")
	r.eventually("all is well again", func(s adminapi.Status) bool {
		return s.VCL.Error == "" && s.Routing.Error == "" && s.Routing.Sequence == 3
	})
}

func TestAChildThatIsKilledServesAgain(t *testing.T) {
	r := startPod(t, mainVCL(1, "one", noBackend), "--listen", "http-80")
	r.ready()
	pids, err := r.pod.lifecycle.cli.Pids(t.Context())
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pids.Worker, syscall.SIGKILL))
	r.eventually("the restart is counted", func(s adminapi.Status) bool { return s.Varnishd.ChildRestarts == 1 })
	r.answers("one")
}

func TestAVarnishdThatIsKilledServesAgainWithTheLastGoodVCL(t *testing.T) {
	r := startPod(t, mainVCL(1, "one", noBackend), "--listen", "http-80")
	r.ready()
	r.write("main.vcl", []byte("// varnish-gateway main.vcl 1.1 sequence 2\nvcl 4.1;\nnonsense\n"))
	r.eventually("the broken VCL was tried", func(s adminapi.Status) bool { return s.VCL.Error != "" })
	pids, err := r.pod.lifecycle.cli.Pids(t.Context())
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pids.Master, syscall.SIGKILL))
	r.eventually("the restart is counted", func(s adminapi.Status) bool { return s.Varnishd.Restarts == 1 })
	r.answers("one")
	r.ready()
	assert.Contains(t, r.status().VCL.Error, "Line 3", "main.vcl is as broken as before")
}

// slowBackend is a backend that answers when release is closed, at a unix socket; requests tells of each request.
func slowBackend(t *testing.T) (backend string, requests <-chan struct{}, release chan struct{}) {
	came, release := make(chan struct{}, 1), make(chan struct{})
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		came <- struct{}{}
		<-release
		fmt.Fprint(w, "done")
	})}
	path := filepath.Join(varnishtest.Dir(t), "backend.sock")
	listener := listenUnix(t, path)
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return fmt.Sprintf(".path = %q;", path), came, release
}

func TestADrainWaitsForRequestsInFlight(t *testing.T) {
	tests := map[string]struct {
		// end makes the pod end, problem is what it says then.
		end     func(r *running)
		problem string
	}{
		"after a signal":                    {func(r *running) { r.stop() }, ""},
		"after the failure of a vital part": {func(r *running) { r.pod.health.Close() }, "health: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			backend, requests, release := slowBackend(t)
			r := startPod(t, mainVCL(1, "one", backend), "--listen", "http-80")
			r.ready()
			answer := make(chan string, 1)
			go func() { answer <- r.get("/slow") }()
			<-requests
			test.end(r)
			r.eventually("the pod drains", func(s adminapi.Status) bool {
				return s.Varnishd.State == adminapi.VarnishdDraining && !s.Ready
			})
			select {
			case err := <-r.err:
				t.Fatalf("the pod ended with a request in flight: %v", err)
			case text := <-answer:
				t.Fatalf("the request ended early: %s", text)
			default:
			}
			close(release)
			assert.Equal(t, "200 done", <-answer)
			err := <-r.err
			r.err <- nil
			if test.problem == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, test.problem)
			}
			assert.Equal(t, adminapi.VarnishdStopped, r.status().Varnishd.State)
		})
	}
}

func TestAVarnishdThatIsNotThereIsFatal(t *testing.T) {
	dir := varnishtest.Dir(t)
	o, err := options.Parse([]string{"--gateway", "a/b", "--listen", "http-80", "--work-dir", dir, "--varnishd", "/nonexistent", "--source", "files", "--health-address", "127.0.0.1:0"})
	require.NoError(t, err)
	p, err := New(o, zaptest.NewLogger(t))
	require.NoError(t, err)
	err = p.Run(t.Context(), t.Context())
	require.Error(t, err)
	assert.Equal(t, ExitNoVarnishd, ExitCodeOf(err))
}

func listenUnix(t *testing.T, path string) net.Listener {
	t.Helper()
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	return listener
}
