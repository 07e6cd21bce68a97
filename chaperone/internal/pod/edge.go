package pod

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"slices"

	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/chaperone/internal/accesslog"
	"github.com/varnish-gateway/gateway/chaperone/internal/admin"
	"github.com/varnish-gateway/gateway/chaperone/internal/health"
	"github.com/varnish-gateway/gateway/chaperone/internal/memory"
	"github.com/varnish-gateway/gateway/chaperone/internal/metrics"
	"github.com/varnish-gateway/gateway/chaperone/internal/openfiles"
	"github.com/varnish-gateway/gateway/chaperone/internal/proxy"
	"github.com/varnish-gateway/gateway/chaperone/internal/socket"
	"github.com/varnish-gateway/gateway/chaperone/internal/supervise"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishstat"
	"github.com/varnish-gateway/gateway/chaperone/internal/vcl"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// makeEdge makes what faces clients, and what has to be there to be counted.
func (p *Pod) makeEdge() error {
	log := p.log.Named("tls")
	limit, err := openfiles.Raise()
	if err != nil {
		return err
	}
	// A negative number changes nothing: it asks for the limit that there is.
	connections := p.tlsConnections(limit, debug.SetMemoryLimit(-1))
	p.proxy = proxy.NewServer(proxy.Options{
		MaxConnections:           connections,
		MaxConnectionsPerAddress: p.options.MaxTLSConnectionsPerAddress, Log: log,
	})
	p.varnishstat = varnishstat.Program(beside(p.options.Varnishd, "varnishstat"), p.layout.varnish)
	p.metrics = metrics.New(metrics.Sources{
		Status: p.board.Get, Connections: p.proxy.Stats, TLS: p.terminator.Stats, Log: p.log.Named("metrics"),
		OpenFiles: limit, TLSConnections: connections, Ages: p.contacts.Ages, Failing: p.contacts.Failing, Confined: p.options.Confinement.Self != "",
		Varnishstat: p.varnishstat,
		// ghost is asked by a part that is made later.
		Cache: func(ctx context.Context) (ghostconf.CacheStatistics, error) { return p.ghost.CacheStatistics(ctx) },
	})
	return nil
}

// tlsConnections is how many TLS connections there may be: as many as the options say, or as the limits of open files and
// of memory (in bytes) allow.
func (p *Pod) tlsConnections(files uint64, bytes int64) int {
	wanted := p.options.MaxTLSConnections
	if !slices.ContainsFunc(p.options.Sockets, socket.Socket.Secure) {
		return wanted
	}
	possible := wanted
	if fit := openfiles.Connections(files); fit < possible {
		p.log.Warn("the limit of open files is too low for the TLS connections that there may be, and lowers their number",
			zap.Uint64("limit", files), zap.Uint64("needed", openfiles.Need(wanted)),
			zap.Int("maxTLSConnections", wanted), zap.Int("possible", fit))
		possible = fit
	}
	if fit := memory.Connections(bytes); fit < possible {
		p.log.Warn("the memory is too little for the TLS connections that there may be, and lowers their number",
			zap.Int64("bytes", bytes), zap.Int("maxTLSConnections", wanted), zap.Int("possible", fit))
		possible = fit
	}
	return possible
}

// serveEdge opens the ports for probes, scrapes and the operator, and starts the access log.
func (p *Pod) serveEdge(ctx context.Context, parts *parts) error {
	if err := p.serveHealth(ctx, parts); err != nil {
		return err
	}
	p.serveAdmin(ctx, parts)
	parts.start(ctx, "access log", func(ctx context.Context) error {
		accesslog.Run(ctx, accesslog.Options{
			Program: beside(p.options.Varnishd, "varnishncsa"), Dir: p.layout.varnish,
			Format: accesslog.Format(p.options.AccessLog), Out: os.Stdout,
			Backoff: supervise.DefaultBackoff(), Log: p.log.Named("accesslog"),
		})
		return nil
	})
	return nil
}

func (p *Pod) serveHealth(ctx context.Context, parts *parts) (err error) {
	if p.health, err = net.Listen("tcp", p.options.HealthAddress); err != nil {
		return fmt.Errorf("opening the health port: %w", err)
	}
	handler := health.Handler(health.Checks{
		Responsive: p.supervisor.Responsive, Missing: p.tasks.Missing, Metrics: p.metrics.Handler(),
	})
	log := p.log.Named("health")
	parts.start(ctx, "health", func(ctx context.Context) error { return admin.Serve(ctx, p.health, handler, nil, log) })
	return nil
}

// serveAdmin serves the admin API where there is a token for it. A port or certificate that is of no use keeps the
// operator out, not the clients.
func (p *Pod) serveAdmin(ctx context.Context, parts *parts) {
	o, log := p.options.Admin, p.log.Named("admin")
	if o.TokenFile == "" {
		return
	}
	check := vcl.NewChecker(p.options.Varnishd, p.options.VMODPath, p.layout.check, adminapi.CompileWithin)
	check.Wrap = p.options.Confinement.Wrap
	handler := admin.Handler(p.board, admin.Calls{Check: check.Check, Invalidate: p.ghost.Invalidate, CacheStatistics: p.ghost.CacheStatistics}, admin.TokenFile(o.TokenFile), log)
	parts.keep(ctx, "admin API", func(ctx context.Context) (err error) {
		var config *tls.Config
		if o.CertFile != "" {
			if config, err = admin.TLSConfig(o.CertFile, o.KeyFile, log); err != nil {
				return err
			}
		}
		listener, err := net.Listen("tcp", o.Address)
		if err != nil {
			return fmt.Errorf("opening the admin port: %w", err)
		}
		address := listener.Addr()
		p.admin.Store(&address)
		return admin.Serve(ctx, listener, handler, config, log)
	})
}
