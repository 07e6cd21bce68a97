package pod

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/clock"

	"github.com/varnish-gateway/gateway/chaperone/internal/drain"
	"github.com/varnish-gateway/gateway/chaperone/internal/metrics"
	"github.com/varnish-gateway/gateway/chaperone/internal/options"
	"github.com/varnish-gateway/gateway/chaperone/internal/ready"
	"github.com/varnish-gateway/gateway/chaperone/internal/reload"
	"github.com/varnish-gateway/gateway/chaperone/internal/source"
	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/chaperone/internal/supervise"
	"github.com/varnish-gateway/gateway/chaperone/internal/tlsterm"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishcli"
	"github.com/varnish-gateway/gateway/chaperone/internal/vcl"
	"github.com/varnish-gateway/gateway/chaperone/internal/version"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Times that no flag sets.
const (
	// reloadWithin is how long ghost may take to build a configuration.
	reloadWithin = 10 * time.Second
	// reloadRetry is how long to wait when ghost could not be asked.
	reloadRetry = time.Second
	// endpointsWithin is how long routing waits for the endpoints of a namespace that is new to it.
	endpointsWithin = 2 * time.Second
	// countWithin and countEvery bound the counting of requests in flight.
	countWithin = 5 * time.Second
	countEvery  = 100 * time.Millisecond
	// tlsFlush is how long TLS connections may take to send what varnishd has answered.
	tlsFlush = 5 * time.Second
)

// Pod is one gateway pod.
type Pod struct {
	options options.Options
	log     *zap.Logger
	layout  layout

	board *status.Board
	tasks *ready.Tasks

	cliListener *supervise.Listener
	inputs      *reload.Inputs
	source      source.Source
	terminator  *tlsterm.Terminator
	vcl         *vcl.Manager
	ghost       *reload.HTTPGhost
	reload      *reload.Controller
	lifecycle   *lifecycle
	supervisor  *supervise.Supervisor[*varnishcli.Client]
	metrics     *metrics.Metrics
	// addresses of the ports that are open, once they are.
	healthAddress, adminAddress net.Addr
}

// New wires a pod. It opens what varnishd needs, and starts nothing.
func New(o options.Options, log *zap.Logger) (*Pod, error) {
	p := &Pod{options: o, log: log, inputs: reload.NewInputs()}
	p.board = status.NewBoard(initialStatus(o))
	p.tasks = ready.New(func(ready bool) {
		p.board.Update(func(s *status.Status) { s.Ready = ready })
		log.Info("readiness has changed", zap.Bool("ready", ready))
	}, ready.VCLActive, ready.RoutingAccepted)
	for _, step := range []func() error{p.makeLayout, p.makeSource, p.makeEdge, p.makeVCL, p.makeReload, p.makeSupervisor} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func initialStatus(o options.Options) status.Status {
	s := status.Status{
		Versions: status.Versions{
			Chaperone: version.Version(),
			Contracts: status.Contracts{Routing: routing.Version, Ghost: ghostconf.Version, VCL: mainvcl.Version},
		},
		Varnishd: status.Varnishd{State: status.VarnishdStarting},
	}
	for _, socket := range o.Sockets {
		s.Sockets = append(s.Sockets, socket.Name)
	}
	return s
}

func (p *Pod) makeLayout() (err error) {
	p.layout, err = makeLayout(p.options.WorkDir)
	return err
}

func (p *Pod) makeVCL() error {
	files, err := vcl.OpenFiles(p.layout.vcl)
	if err != nil {
		return err
	}
	p.vcl = vcl.NewManager(vcl.NewLoader(files), clock.RealClock{}, vcl.Observers{
		Board: p.board, Tasks: p.tasks, Log: p.log.Named("vcl"), Loaded: p.metrics.VCLLoaded,
	})
	return nil
}

func (p *Pod) makeReload() error {
	disk, live, err := reload.OpenDisk(p.layout.varnish, filepath.Dir(p.layout.varnish))
	if err != nil {
		p.log.Warn("the last good configuration of an earlier run is of no use", zap.Error(err))
	}
	p.ghost = reload.NewHTTPGhost(p.layout.reload, reloadWithin)
	p.reload = reload.New(reload.Config{
		Inputs: p.inputs, Ghost: p.ghost, Store: disk, Live: live,
		WantVCL: p.vcl.Want, Follow: p.source.Follow, UpdateTLS: p.terminator.Update, Reloaded: p.metrics.Reloaded,
		Board: p.board, Tasks: p.tasks, Clock: clock.RealClock{}, Log: p.log.Named("reload"),
		Coalescer: reload.DefaultCoalescer(), RetryAfter: reloadRetry, HoldFor: endpointsWithin,
	})
	return nil
}

func (p *Pod) makeSupervisor() (err error) {
	if p.cliListener, err = supervise.Listen(p.layout.secret); err != nil {
		return err
	}
	arguments := p.layout.varnishd(p.options).Arguments(p.cliListener.Address())
	p.lifecycle = &lifecycle{vcl: p.vcl, reload: p.reload, board: p.board}
	p.supervisor = supervise.New(supervise.Config[*varnishcli.Client]{
		Start: func(output func(string)) (supervise.Process, error) {
			return supervise.Start(p.options.Varnishd, arguments, output)
		},
		Accept: p.cliListener.Accept, Handler: p.lifecycle, Board: p.board, Clock: clock.RealClock{}, Log: p.log.Named("varnishd"),
	})
	return nil
}

// Run serves until stop ends, and then drains until hurry ends. It leaves nothing behind.
func (p *Pod) Run(stop, hurry context.Context) error {
	defer p.cliListener.Close()
	// Parts fail together: the first error ends the pod.
	work, fail := context.WithCancelCause(context.Background())
	accept, stopAccepting := context.WithCancel(work)
	varnishd, stopVarnishd := context.WithCancel(work)
	defer fail(nil)
	defer stopAccepting()
	defer stopVarnishd()

	var parts sync.WaitGroup
	start := func(ctx context.Context, name string, run func(context.Context) error) {
		parts.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				fail(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	start(work, "VCL", func(ctx context.Context) error { p.vcl.Run(ctx); return nil })
	start(work, "reload", func(ctx context.Context) error { p.reload.Run(ctx); return nil })
	start(work, "source", func(ctx context.Context) error { return p.source.Run(ctx, p.inputs) })
	if err := p.serveTLS(accept, start); err != nil {
		fail(err)
	}
	if err := p.serveEdge(work, start); err != nil {
		fail(err)
	}
	ended := make(chan struct{})
	start(varnishd, "varnishd", func(ctx context.Context) error {
		defer close(ended)
		return p.supervisor.Run(ctx)
	})

	select {
	case <-stop.Done():
		p.drain(hurry, work, stopAccepting)
	case <-work.Done():
	}
	stopVarnishd()
	<-ended
	p.closeTLS(hurry)
	err := context.Cause(work)
	fail(nil)
	parts.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// serveTLS opens the ports of the secure sockets; varnishd opens the others.
func (p *Pod) serveTLS(ctx context.Context, start starter) error {
	for _, s := range p.options.Sockets {
		if !s.Secure() {
			continue
		}
		listener, err := net.Listen("tcp", s.Address(p.options.Address))
		if err != nil {
			return fmt.Errorf("opening socket %s: %w", s.Name, err)
		}
		path := s.Path(filepath.Dir(p.layout.reload))
		start(ctx, s.Name, func(ctx context.Context) error { return p.terminator.Serve(ctx, listener, s, path) })
	}
	return nil
}

// drain lets requests in flight end, while everything goes on working.
func (p *Pod) drain(hurry, work context.Context, stopAccepting func()) {
	ctx, cancel := context.WithCancel(work)
	defer cancel()
	defer context.AfterFunc(hurry, cancel)()
	count := drain.Varnishstat{Program: beside(p.options.Varnishd, "varnishstat"), WorkDir: p.layout.varnish, Within: countWithin}
	outcome := drain.Run(ctx, drain.Config{
		Delay: p.options.DrainDelay, Timeout: p.options.DrainTimeout, PollEvery: countEvery,
		Clock: clock.RealClock{}, Log: p.log.Named("drain"),
	}, drain.Steps{
		NotReady: func() {
			p.tasks.Set(ready.Serving, false)
			p.board.Update(func(s *status.Status) { s.Varnishd.State = status.VarnishdDraining })
		},
		EndConnections: func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, setWithin)
			defer cancel()
			if err := p.ghost.Drain(ctx); err != nil {
				p.log.Warn("connections will not be ended by their next answer", zap.Error(err))
			}
		},
		StopAccepting: func(ctx context.Context) {
			stopAccepting()
			p.lifecycle.shortenIdle(ctx, p.log)
		},
		InFlight: count.InFlight,
	})
	p.log.Info("the drain has ended", zap.String("outcome", string(outcome)))
}

// closeTLS lets connections send what varnishd answered last, and ends them.
func (p *Pod) closeTLS(hurry context.Context) {
	ctx, cancel := context.WithTimeout(hurry, tlsFlush)
	defer cancel()
	if err := p.terminator.Drain(ctx); err != nil {
		p.log.Warn("TLS connections were cut", zap.Error(err))
	}
	p.terminator.Close()
}

func (p *Pod) makeSource() error {
	files := source.Files{
		ConfigDir: p.options.ConfigDir, ShardsDir: p.options.ShardsDir,
		TLSDir: p.options.TLSDir, EndpointsDir: p.options.EndpointsDir,
	}
	if p.options.Source == options.SourceFiles {
		p.source = files
		return nil
	}
	client, err := kubernetesClient()
	if err != nil {
		return err
	}
	p.source = source.NewKubernetes(client, p.options.Namespace, p.options.Name, files, p.log.Named("kubernetes"))
	return nil
}

// kubernetesClient uses the pod's ServiceAccount or, outside a cluster, the user's kubeconfig.
func kubernetesClient() (kubernetes.Interface, error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("finding the Kubernetes API: %w", err)
	}
	config.UserAgent = "varnish-gateway-chaperone/" + version.Version()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client of the Kubernetes API: %w", err)
	}
	return client, nil
}
