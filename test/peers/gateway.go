package peers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/varnish-gateway/gateway/test/await"
	"github.com/varnish-gateway/gateway/test/stack"
)

// gateway is ours, started as a user does: gatewayctl run, with manifests.
var gateway = peer{"gateway", func(_ context.Context, tools Tools, s site) (server, error) { return startGateway(tools, s) }}

// gatewayServer is a running gateway.
type gatewayServer struct {
	site  site
	stack *stack.Stack
	log   *os.File
	// state is gatewayctl's directory; the path of a unix socket in it must be short.
	state string
}

func startGateway(tools Tools, s site) (*gatewayServer, error) {
	manifests := s
	manifests.Directory = filepath.Join(s.Directory, "manifests")
	if err := os.Mkdir(manifests.Directory, 0o700); err != nil {
		return nil, err
	}
	if err := manifests.renderAll("gateway.yaml", "gateway.yaml", "gateway-routes.yaml", "routes.yaml"); err != nil {
		return nil, err
	}
	if s.TLS {
		if err := os.WriteFile(filepath.Join(manifests.Directory, "site.yaml"), []byte(s.Pair.Secret("site")), 0o600); err != nil {
			return nil, err
		}
	}
	log, err := os.Create(filepath.Join(s.Directory, "gateway.log"))
	if err != nil {
		return nil, err
	}
	state, err := os.MkdirTemp("", "gw-peers-")
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	running, err := stack.Start(stack.Options{
		Binaries: tools.Gateway, Manifests: []string{manifests.Directory}, StateDir: state, Stdout: log, Stderr: log,
	})
	if err != nil {
		return nil, errors.Join(err, log.Close(), os.RemoveAll(state))
	}
	return &gatewayServer{site: manifests, stack: running, log: log, state: state}, nil
}

// roots is chaperone with varnishd below it: what runs in a pod. gatewayctl stands for the
// operator.
func (g *gatewayServer) roots() ([]int, error) {
	parts, err := g.stack.Parts()
	return []int{parts.Chaperone}, err
}

func (g *gatewayServer) reload(hosts []string) error {
	s := g.site
	s.Hosts = hosts
	return s.render("gateway-routes.yaml", "routes.yaml")
}

func (g *gatewayServer) done() <-chan struct{} { return g.stack.Done() }

func (g *gatewayServer) stop() error {
	return errors.Join(g.stack.Stop(), g.log.Close(), os.RemoveAll(g.state))
}

// varnishdSocket is the unix socket on which varnishd takes what chaperone has decrypted.
func (g *gatewayServer) varnishdSocket(ctx context.Context) (string, error) {
	pattern := filepath.Join(g.state, "*", "run", fmt.Sprintf("https-%d.sock", g.site.HTTPS.Port()))
	var found []string
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	err := await.Every(ctx, 10*time.Millisecond, pattern, func() (err error) {
		if found, err = filepath.Glob(pattern); err == nil && len(found) != 1 {
			err = fmt.Errorf("there are %d such sockets", len(found))
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return found[0], nil
}

// offloader is HAProxy in chaperone's place: it ends TLS before a varnishd of the gateway's own.
var offloader = peer{"haproxy as offloader", startOffloader}

// offloaderServer is a gateway with HAProxy before its varnishd.
type offloaderServer struct {
	*gatewayServer
	haproxy *programServer
}

func startOffloader(ctx context.Context, tools Tools, s site) (server, error) {
	behind := s
	behind.HTTPS = s.Behind
	g, err := startGateway(tools, behind)
	if err != nil {
		return nil, err
	}
	h, err := startOffloaderBefore(ctx, g, tools, s)
	if err != nil {
		return nil, errors.Join(err, g.stop())
	}
	return &offloaderServer{g, h}, nil
}

func startOffloaderBefore(ctx context.Context, g *gatewayServer, tools Tools, s site) (*programServer, error) {
	var err error
	if s.Socket, err = g.varnishdSocket(ctx); err != nil {
		return nil, err
	}
	if err := s.render("offloader.cfg", "offloader.cfg"); err != nil {
		return nil, err
	}
	return startProgram(s, tools.HAProxy, "-W", "-db", "-f", "offloader.cfg")
}

func (o *offloaderServer) roots() ([]int, error) {
	roots, err := o.gatewayServer.roots()
	return append(roots, o.haproxy.child.Pid()), err
}

func (o *offloaderServer) stop() error {
	return errors.Join(o.haproxy.stop(), o.gatewayServer.stop())
}
