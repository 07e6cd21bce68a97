package pod

import (
	"net"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"k8s.io/utils/clock"

	"github.com/varnish-gateway/gateway/chaperone/internal/metrics"
	"github.com/varnish-gateway/gateway/chaperone/internal/options"
	"github.com/varnish-gateway/gateway/chaperone/internal/proxy"
	"github.com/varnish-gateway/gateway/chaperone/internal/ready"
	"github.com/varnish-gateway/gateway/chaperone/internal/reload"
	"github.com/varnish-gateway/gateway/chaperone/internal/source"
	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/chaperone/internal/supervise"
	"github.com/varnish-gateway/gateway/chaperone/internal/tlsterm"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishcli"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishstat"
	"github.com/varnish-gateway/gateway/chaperone/internal/vcl"
	"github.com/varnish-gateway/gateway/chaperone/internal/version"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Times that no flag sets.
const (
	// reloadWithin is how long ghost may take to build a configuration, reloadSlow how long until that is told.
	reloadWithin = 5 * time.Minute
	reloadSlow   = 10 * time.Second
	// reloadRetry is how long to wait at first when ghost could not be asked.
	reloadRetry = time.Second
	// endpointsWithin is how long routing waits for the endpoints of a namespace that is new to it.
	endpointsWithin = 2 * time.Second
	// firstEndpointsWithin is how long the first routing waits for endpoints: a pod that is not ready harms nobody, and
	// one that is ready without endpoints answers 503.
	firstEndpointsWithin = 20 * time.Second
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

	board   *status.Board
	sockets *openSockets
	tasks   *ready.Tasks

	cliListener *supervise.Listener
	inputs      *reload.Inputs
	contacts    *source.Contacts
	source      source.Source
	proxy       *proxy.Server
	terminator  *tlsterm.Terminator
	vcl         *vcl.Manager
	ghost       *reload.HTTPGhost
	reload      *reload.Controller
	lifecycle   *lifecycle
	supervisor  *supervise.Supervisor[*varnishcli.Client]
	varnishstat varnishstat.Reader
	metrics     *metrics.Metrics
	// health is the port for probes and scrapes, secure are those of the secure sockets, once they are open; admin is
	// where the admin API was served last.
	health net.Listener
	secure []net.Listener
	admin  atomic.Pointer[net.Addr]
}

// New wires a pod. It opens what varnishd needs, and starts nothing.
func New(o options.Options, log *zap.Logger) (*Pod, error) {
	p := &Pod{options: o, log: log, inputs: reload.NewInputs(), contacts: source.NewContacts(), terminator: tlsterm.New()}
	p.board = status.NewBoard(initialStatus())
	p.sockets = &openSockets{board: p.board, all: o.Sockets}
	p.tasks = ready.New(func(ready bool) {
		p.board.Update(func(s *adminapi.Status) { s.Ready = ready })
		log.Info("readiness has changed", zap.Bool("ready", ready))
	}, ready.VCLActive, ready.RoutingAccepted)
	for _, step := range []func() error{p.makeLayout, p.makeSource, p.makeEdge, p.makeVCL, p.makeReload, p.makeSupervisor} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func initialStatus() adminapi.Status {
	return adminapi.Status{
		Versions: adminapi.Versions{
			Chaperone: version.Version(),
			Contracts: adminapi.Contracts{
				Admin: adminapi.Version, Routing: routing.Version, Ghost: ghostconf.Version, VCL: mainvcl.Version,
			},
		},
		Varnishd: adminapi.Varnishd{State: adminapi.VarnishdStarting},
	}
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
	trial := &vcl.Trial{
		Varnishd: p.options.Varnishd, VMODPath: p.options.VMODPath, Dir: p.layout.check, Environment: ghostEnvironment(p.options),
		Within: vcl.TrialWithin, Wrap: p.options.Confinement.Wrap,
	}
	p.vcl = vcl.NewManager(vcl.NewLoader(files, trial), clock.RealClock{}, vcl.Observers{
		Board: p.board, Tasks: p.tasks, Log: p.log.Named("vcl"), Loaded: p.metrics.VCLLoaded,
	})
	return nil
}

func (p *Pod) makeReload() error {
	disk, good, err := reload.OpenDisk(p.layout.varnish, filepath.Dir(p.layout.varnish))
	if err != nil {
		p.log.Warn("the last good configuration of an earlier run is of no use", zap.Error(err))
	}
	p.ghost = reload.NewHTTPGhost(p.layout.reload, reloadWithin)
	p.reload = reload.New(reload.Config{
		Inputs: p.inputs, Ghost: p.ghost, Store: disk, Good: good,
		WantVCL: p.vcl.Want, Follow: p.source.Follow, UpdateTLS: p.terminator.Update, Reloaded: p.metrics.Reloaded,
		Board: p.board, Tasks: p.tasks, Clock: clock.RealClock{}, Log: p.log.Named("reload"),
		Coalescer: reload.DefaultCoalescer(), RetryAfter: reloadRetry, SlowAfter: reloadSlow, HoldFor: endpointsWithin, HoldFirstFor: firstEndpointsWithin,
	})
	return nil
}

func (p *Pod) makeSupervisor() (err error) {
	if p.cliListener, err = supervise.Listen(p.layout.secret); err != nil {
		return err
	}
	program, arguments := p.options.Confinement.Wrap(p.options.Varnishd, p.layout.varnishd(p.options).Arguments(p.cliListener.Address()))
	p.lifecycle = &lifecycle{vcl: p.vcl, reload: p.reload, board: p.board, sockets: p.sockets}
	p.supervisor = supervise.New(supervise.Config[*varnishcli.Client]{
		Start: func(output func(string)) (supervise.Process, error) {
			return supervise.Start(program, arguments, ghostEnvironment(p.options), output)
		},
		Accept: p.cliListener.Accept, Handler: p.lifecycle, Board: p.board, Clock: clock.RealClock{}, Log: p.log.Named("varnishd"),
	})
	return nil
}

func (p *Pod) makeSource() error {
	files := source.Files{
		ConfigDir: p.options.ConfigDir, ShardsDir: p.options.ShardsDir,
		TLSDir: p.options.TLSDir, EndpointsDir: p.options.EndpointsDir,
		TicketKeysDir: p.options.TicketKeysDir, SetTicketKeys: p.terminator.SetTicketKeys,
	}
	if p.options.Source == options.SourceFiles {
		p.source = files
		return nil
	}
	client, err := kubernetesClient(p.contacts)
	if err != nil {
		return err
	}
	p.source = source.NewKubernetes(client, p.contacts, p.options.Namespace, p.options.Name, files, p.log.Named("kubernetes"))
	return nil
}
