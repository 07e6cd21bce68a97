package supervise

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"
	"k8s.io/utils/clock"

	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishcli"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// loader loads one VCL into every varnishd, and keeps the last connection.
type loader struct {
	t    *testing.T
	path string
	mu   sync.Mutex
	cli  *varnishcli.Client
}

func (l *loader) ChildStarted() {}
func (l *loader) ChildMissing() {}
func (l *loader) Down()         {}

func (l *loader) Up(ctx context.Context, cli *varnishcli.Client) {
	l.mu.Lock()
	l.cli = cli
	l.mu.Unlock()
	go func() {
		running, err := cli.Running(ctx)
		if err != nil || running {
			return
		}
		for _, step := range []func() error{
			func() error { return cli.LoadVCL(ctx, "test", l.path) },
			func() error { return cli.UseVCL(ctx, "test") },
			func() error { return cli.Start(ctx) },
		} {
			if err := step(); err != nil {
				if ctx.Err() == nil {
					l.t.Errorf("bringing up varnishd: %v", err)
				}
				return
			}
		}
	}()
}

func (l *loader) pids() varnishcli.Pids {
	l.mu.Lock()
	defer l.mu.Unlock()
	pids, err := l.cli.Pids(l.t.Context())
	require.NoError(l.t, err)
	return pids
}

// real is a Supervisor of the real varnishd.
type real struct {
	board  *status.Board
	loader *loader
	// path of varnishd's socket.
	path string
}

func startReal(t *testing.T) *real {
	dir := varnishtest.Dir(t)
	vcl := filepath.Join(dir, "test.vcl")
	require.NoError(t, os.WriteFile(vcl, []byte(varnishtest.Synthetic("hello")), 0o600))
	secret := filepath.Join(dir, "secret")
	listener, err := Listen(secret)
	require.NoError(t, err)
	path := filepath.Join(dir, "http.sock")
	options := Options{
		WorkDir: filepath.Join(dir, "varnish"), SecretFile: secret, VCLPath: dir,
		Sockets: []string{"http-80=" + path + ",HTTP"},
	}
	r := &real{board: status.NewBoard(adminapi.Status{}), loader: &loader{t: t, path: filepath.Base(vcl)}, path: path}
	super := New(Config[*varnishcli.Client]{
		Start: func(output func(string)) (Process, error) {
			return Start(varnishtest.Varnishd(t), options.Arguments(listener.Address()), nil, output)
		},
		Accept: listener.Accept, Handler: r.loader, Board: r.board, Clock: clock.RealClock{}, Log: zaptest.NewLogger(t),
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- super.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
		listener.Close()
		assert.NotEqual(t, "200 hello", varnishtest.GetOver(r.path, "/"), "nobody listens once varnishd was stopped")
	})
	r.answers(t)
	varnishtest.Eventually(t, "the child is seen", func() bool { return r.board.Get().Varnishd.State == adminapi.VarnishdRunning })
	return r
}

func (r *real) answers(t *testing.T) {
	t.Helper()
	varnishtest.Eventually(t, "varnishd answers", func() bool { return varnishtest.GetOver(r.path, "/") == "200 hello" })
}

func TestARealChildThatIsKilledComesBack(t *testing.T) {
	r := startReal(t)
	before := r.loader.pids()
	require.NoError(t, syscall.Kill(before.Worker, syscall.SIGKILL))
	varnishtest.Eventually(t, "the child's restart is counted", func() bool { return r.board.Get().Varnishd.ChildRestarts == 1 })
	r.answers(t)
	assert.Equal(t, before.Master, r.loader.pids().Master, "varnishd itself lives on")
	assert.Zero(t, r.board.Get().Varnishd.Restarts)
}

func TestARealVarnishdThatIsKilledComesBack(t *testing.T) {
	r := startReal(t)
	before := r.loader.pids()
	require.NoError(t, syscall.Kill(before.Master, syscall.SIGKILL))
	varnishtest.Eventually(t, "the restart is counted", func() bool { return r.board.Get().Varnishd.Restarts == 1 })
	r.answers(t)
	assert.NotEqual(t, before.Master, r.loader.pids().Master)
	assert.EqualValues(t, 1, r.board.Get().Varnishd.Restarts, "one attempt is enough: the old child's sockets are free")
}

func TestARealConnectionThatBreaksIsMadeAnew(t *testing.T) {
	r := startReal(t)
	r.loader.mu.Lock()
	first := r.loader.cli
	r.loader.mu.Unlock()
	first.Close()
	varnishtest.Eventually(t, "varnishd connects anew", func() bool {
		r.loader.mu.Lock()
		defer r.loader.mu.Unlock()
		return r.loader.cli != first
	})
	r.answers(t)
	assert.Zero(t, r.board.Get().Varnishd.Restarts)
}

func TestARealVarnishdHasTheLimitsThatAreDocumented(t *testing.T) {
	r := startReal(t)
	r.loader.mu.Lock()
	cli := r.loader.cli
	r.loader.mu.Unlock()
	show := func(name string) string {
		value, err := cli.ShowParam(t.Context(), name)
		require.NoError(t, err)
		return value
	}
	assert.Equal(t, "2", show("thread_pools"), "threads are divided among them")
	assert.Equal(t, "5000", show("thread_pool_max"))
	idle, err := strconv.ParseFloat(show("timeout_idle"), 64)
	require.NoError(t, err)
	assert.Greater(t, idle, 60.0, "load balancers keep idle connections for 60 s")
	assert.Equal(t, strconv.Itoa(96<<10), show("http_req_size"))
	assert.Equal(t, "431", show("http_req_overflow_status"), "RFC 6585 section 5")
	assert.Equal(t, strconv.Itoa(256<<10), show("transit_buffer"), "what waits for a slow client")
}

func TestWhatIsGivenBesidesComesLast(t *testing.T) {
	arguments := Options{Extra: []string{"-p", "timeout_idle=620"}}.Arguments("127.0.0.1:1")
	assert.Equal(t, []string{"-p", "timeout_idle=620"}, arguments[len(arguments)-2:])
	assert.Contains(t, arguments[:len(arguments)-2], "timeout_idle=75")
}

func TestTheIdleTimeoutIsVarnishds(t *testing.T) {
	assert.Contains(t, Options{IdleTimeout: 1500 * time.Millisecond}.Arguments("127.0.0.1:1"), "timeout_idle=1.5")
}

func TestVarnishdHasThreadsForWhatThereMayBeAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		options    Options
		pools, max string
	}{
		"nothing said":                          {Options{}, "2", "5000"},
		"the defaults":                          {Options{BackendRequests: gatewaypod.DefaultMaxBackendRequests, TLSConnections: gatewaypod.DefaultMaxTLSConnections}, "2", "5000"},
		"more requests, two threads each":       {Options{BackendRequests: 8000}, "2", "10000"},
		"more TLS connections, one thread each": {Options{BackendRequests: 4000, TLSConnections: 20_001}, "2", "10901"},
		"few of both":                           {Options{BackendRequests: 1, TLSConnections: 1}, "2", "5000"},
		"one processor":                         {Options{Processors: 1}, "1", "10000"},
		"two processors":                        {Options{Processors: 2, BackendRequests: 8000}, "1", "20000"},
		"an odd number of threads":              {Options{Processors: 2, TLSConnections: 20_001}, "1", "21801"},
		"three processors":                      {Options{Processors: 3}, "2", "5000"},
		"many processors":                       {Options{Processors: 64}, "2", "5000"},
	} {
		t.Run(name, func(t *testing.T) {
			arguments := c.options.Arguments("127.0.0.1:1")
			assert.Contains(t, arguments, "thread_pools="+c.pools)
			assert.Contains(t, arguments, "thread_pool_max="+c.max)
		})
	}
}
