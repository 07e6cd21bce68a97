package pod

import (
	"context"
	"fmt"
	"net"
	"path/filepath"

	"go.uber.org/zap"
	"k8s.io/utils/clock"

	"github.com/varnish-gateway/gateway/chaperone/internal/drain"
	"github.com/varnish-gateway/gateway/chaperone/internal/proxy"
	"github.com/varnish-gateway/gateway/chaperone/internal/ready"
	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// Run serves until stop ends, or something fails without which there is nothing to serve; and then drains until hurry
// ends. It leaves nothing behind.
func (p *Pod) Run(stop, hurry context.Context) error {
	defer p.cliListener.Close()
	work, end := context.WithCancel(context.Background())
	parts := newParts(p.log)
	defer parts.wait()
	defer end()
	accept, stopAccepting := context.WithCancel(work)
	defer stopAccepting()
	varnishd, stopVarnishd := context.WithCancel(work)
	defer stopVarnishd()

	parts.start(work, "VCL", func(ctx context.Context) error { p.vcl.Run(ctx); return nil })
	parts.start(work, "reload", func(ctx context.Context) error { p.reload.Run(ctx); return nil })
	parts.start(work, "source", func(ctx context.Context) error { return p.source.Run(ctx, p.inputs) })
	if err := p.open(work, accept, parts); err != nil {
		p.proxy.Close()
		return err
	}
	ended := parts.start(varnishd, "varnishd", p.supervisor.Run)
	select {
	case <-stop.Done():
	case <-parts.failed.Done():
		p.log.Error("the pod ends", zap.Error(parts.err()))
	}
	select {
	case <-ended:
	default:
		p.drain(hurry, work, stopAccepting)
	}
	stopVarnishd()
	<-ended
	p.closeTLS(hurry)
	return parts.err()
}

// open opens every port that is not varnishd's.
func (p *Pod) open(work, accept context.Context, parts *parts) error {
	if err := p.serveTLS(accept, parts); err != nil {
		return err
	}
	return p.serveEdge(work, parts)
}

// serveTLS opens the ports of the secure sockets; varnishd opens the others.
func (p *Pod) serveTLS(ctx context.Context, parts *parts) error {
	for _, s := range p.options.Sockets {
		if !s.Secure() {
			continue
		}
		listener, err := net.Listen("tcp", s.Address(p.options.Address))
		if err != nil {
			return fmt.Errorf("opening socket %s: %w", s.Name(), err)
		}
		p.secure = append(p.secure, listener)
		endpoint := proxy.Endpoint{Socket: s, Path: s.Path(filepath.Dir(p.layout.reload))}
		parts.start(ctx, s.Name(), func(ctx context.Context) error { return p.proxy.Serve(ctx, listener, endpoint, p.terminator) })
	}
	p.sockets.setSecure(true)
	return nil
}

// drain lets requests in flight end, while everything goes on working.
func (p *Pod) drain(hurry, work context.Context, stopAccepting func()) {
	ctx, cancel := context.WithCancel(work)
	defer cancel()
	defer context.AfterFunc(hurry, cancel)()
	outcome := drain.Run(ctx, drain.Config{
		Delay: p.options.DrainDelay, Timeout: p.options.DrainTimeout, PollEvery: countEvery,
		Clock: clock.RealClock{}, Log: p.log.Named("drain"),
	}, drain.Steps{
		NotReady: func() {
			p.tasks.Set(ready.Serving, false)
			p.board.Update(func(s *adminapi.Status) { s.Varnishd.State = adminapi.VarnishdDraining })
		},
		EndConnections: func(ctx context.Context) {
			p.proxy.GoAway(false)
			ctx, cancel := context.WithTimeout(ctx, setWithin)
			defer cancel()
			if err := p.ghost.Drain(ctx); err != nil {
				p.log.Warn("connections will not be ended by their next answer", zap.Error(err))
			}
		},
		StopAccepting: func(ctx context.Context) {
			stopAccepting()
			p.sockets.setSecure(false)
			p.proxy.GoAway(true)
			p.lifecycle.shortenIdle(ctx, p.log)
		},
		InFlight: func(ctx context.Context) (int, error) {
			requests, err := drain.InFlight(ctx, p.varnishstat, countWithin)
			return requests + p.proxy.Arriving(), err
		},
	})
	p.log.Info("the drain has ended", zap.String("outcome", string(outcome)))
}

// closeTLS lets connections send what varnishd answered last, and ends them.
func (p *Pod) closeTLS(hurry context.Context) {
	ctx, cancel := context.WithTimeout(hurry, tlsFlush)
	defer cancel()
	if err := p.proxy.Drain(ctx); err != nil {
		p.log.Warn("TLS connections were cut", zap.Error(err))
	}
	p.proxy.Close()
}
