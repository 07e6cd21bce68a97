package pod

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/chaperone/internal/accesslog"
	"github.com/varnish-gateway/gateway/chaperone/internal/admin"
	"github.com/varnish-gateway/gateway/chaperone/internal/health"
	"github.com/varnish-gateway/gateway/chaperone/internal/metrics"
	"github.com/varnish-gateway/gateway/chaperone/internal/supervise"
	"github.com/varnish-gateway/gateway/chaperone/internal/tlsterm"
	"github.com/varnish-gateway/gateway/chaperone/internal/vcl"
)

// checkWithin is how long a check of VCL may take.
const checkWithin = 30 * time.Second

// starter starts a part of the pod, which ends with its context.
type starter func(ctx context.Context, name string, run func(context.Context) error)

// makeEdge makes what faces clients, and what has to be there to be counted.
func (p *Pod) makeEdge() error {
	p.terminator = tlsterm.New(tlsterm.Options{Log: p.log.Named("tls")})
	p.metrics = metrics.New(metrics.Sources{
		Status: p.board.Get, TLS: p.terminator.Stats, Log: p.log.Named("metrics"),
		Varnishstat: metrics.Program(beside(p.options.Varnishd, "varnishstat"), p.layout.varnish),
	})
	return nil
}

// serveEdge opens the ports for probes, scrapes and the operator, and starts the access log.
func (p *Pod) serveEdge(ctx context.Context, start starter) error {
	if err := p.serveHealth(ctx, start); err != nil {
		return err
	}
	if err := p.serveAdmin(ctx, start); err != nil {
		return err
	}
	start(ctx, "access log", func(ctx context.Context) error {
		return accesslog.Run(ctx, accesslog.Options{
			Program: beside(p.options.Varnishd, "varnishncsa"), Dir: p.layout.varnish,
			Format: accesslog.Format(p.options.AccessLog), Out: os.Stdout,
			Backoff: supervise.DefaultBackoff(), Log: p.log.Named("accesslog"),
		})
	})
	return nil
}

func (p *Pod) serveHealth(ctx context.Context, start starter) error {
	listener, err := net.Listen("tcp", p.options.HealthAddress)
	if err != nil {
		return fmt.Errorf("opening the health port: %w", err)
	}
	p.healthAddress = listener.Addr()
	handler := health.Handler(health.Checks{
		Responsive: p.supervisor.Responsive, Missing: p.tasks.Missing, Metrics: p.metrics.Handler(),
	})
	log := p.log.Named("health")
	start(ctx, "health", func(ctx context.Context) error { return admin.Serve(ctx, listener, handler, nil, log) })
	return nil
}

// serveAdmin opens the admin API where there is a token for it. A certificate that cannot be loaded keeps
// the operator out, not the clients.
func (p *Pod) serveAdmin(ctx context.Context, start starter) error {
	o, log := p.options.Admin, p.log.Named("admin")
	if o.TokenFile == "" {
		return nil
	}
	check := vcl.NewChecker(p.options.Varnishd, p.options.VMODPath, p.layout.check, checkWithin)
	server := http.Handler(admin.Handler(p.board, check.Check, admin.TokenFile(o.TokenFile), log))
	listener, err := net.Listen("tcp", o.Address)
	if err != nil {
		return fmt.Errorf("opening the admin port: %w", err)
	}
	p.adminAddress = listener.Addr()
	if o.CertFile == "" {
		start(ctx, "admin API", func(ctx context.Context) error { return admin.Serve(ctx, listener, server, nil, log) })
		return nil
	}
	config, err := admin.TLSConfig(o.CertFile, o.KeyFile, log)
	if err != nil {
		log.Error("there is no admin API", zap.Error(err))
		return listener.Close()
	}
	start(ctx, "admin API", func(ctx context.Context) error { return admin.Serve(ctx, listener, server, config, log) })
	return nil
}
