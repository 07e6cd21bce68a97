package purge

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/varnish-gateway/gateway/test/await"
	"github.com/varnish-gateway/gateway/test/stack"
)

// host of all objects.
const host = "objects.example"

//go:embed gateway.yaml
var manifests string

// manifest has a gateway whose origin is at this address.
func manifest(port int, origin netip.AddrPort, objects int) ([]byte, error) {
	t, err := template.New("gateway.yaml").Parse(manifests)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = t.Execute(&text, map[string]any{
		"Port": port, "Origin": origin, "Host": host, "Storage": max(256<<20, objects*storageEach),
	})
	return text.Bytes(), err
}

const (
	// storageEach is room in varnishd's storage for one object, in bytes: more than it takes.
	storageEach = 4 << 10
	// memoryEach is what must be free for one object, in bytes, besides what the programs themselves take.
	memoryEach   = 6 << 10
	memoryBeside = 1 << 30
)

// checkMemory fails where the objects would not fit into the memory that is free.
func checkMemory(objects int) error {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return err
	}
	free, err := available(string(text))
	if need := int64(objects)*memoryEach + memoryBeside; err == nil && free < need {
		err = fmt.Errorf("%d objects need %d MB of memory, and %d MB are free", objects, need>>20, free>>20)
	}
	return err
}

// available reads MemAvailable of /proc/meminfo (proc_meminfo(5)), in bytes.
func available(meminfo string) (int64, error) {
	for line := range strings.Lines(meminfo) {
		if value, found := strings.CutPrefix(line, "MemAvailable:"); found {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, errors.New("/proc/meminfo has no MemAvailable")
}

// gateway that runs, as a user starts it.
type gateway struct {
	address    netip.AddrPort
	dir, state string
	log        *os.File
	stack      *stack.Stack
}

// startPatience is how long the gateway may take until it serves.
const startPatience = 2 * time.Minute

func startGateway(ctx context.Context, binaries stack.Binaries, origin netip.AddrPort, objects int) (*gateway, error) {
	dir, err := os.MkdirTemp("", "bench-purge-")
	if err != nil {
		return nil, err
	}
	g := &gateway{dir: dir, state: filepath.Join(dir, "state")}
	if err := g.start(ctx, binaries, origin, objects); err != nil {
		text, logErr := os.ReadFile(g.logFile())
		return nil, errors.Join(fmt.Errorf("start the gateway: %w\n%s", err, text), logErr, g.stop())
	}
	return g, nil
}

func (g *gateway) logFile() string { return filepath.Join(g.dir, "gateway.log") }

func (g *gateway) start(ctx context.Context, binaries stack.Binaries, origin netip.AddrPort, objects int) error {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	g.address = listener.Addr().(*net.TCPAddr).AddrPort()
	if err := listener.Close(); err != nil {
		return err
	}
	text, err := manifest(int(g.address.Port()), origin, objects)
	if err != nil {
		return err
	}
	served := filepath.Join(g.dir, "manifests")
	if err := os.Mkdir(served, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(served, "gateway.yaml"), text, 0o600); err != nil {
		return err
	}
	if g.log, err = os.Create(g.logFile()); err != nil {
		return err
	}
	if g.stack, err = stack.Start(stack.Options{
		Binaries: binaries, Manifests: []string{served}, StateDir: g.state, Stdout: g.log, Stderr: g.log,
	}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	return await.Every(ctx, 10*time.Millisecond, "the gateway to serve", func() error { return g.serves(ctx, objects) })
}

// serves fails while the origin's answers do not come through. It asks for the object beyond the last one.
func (g *gateway) serves(ctx context.Context, objects int) error {
	asked, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/%d", g.address, objects), nil)
	if err != nil {
		return err
	}
	asked.Host, asked.Close = host, true
	answer, err := http.DefaultClient.Do(asked)
	if err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	return nil
}

func (g *gateway) stop() error {
	var err error
	if g.stack != nil {
		err = g.stack.Stop()
	}
	if g.log != nil {
		err = errors.Join(err, g.log.Close())
	}
	return errors.Join(err, os.RemoveAll(g.dir))
}
