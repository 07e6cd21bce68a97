package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/operator/internal/findings"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/manifest"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
)

// Options of a Runner.
type Options struct {
	// Paths of the manifests: directories, or single files.
	Paths []string
	// State is where everything lies that runs.
	State    *StateDir
	Binaries Binaries
	// Address where the listeners bind.
	Address string
	// AccessLog is chaperone's; empty for what each Gateway's parameters say.
	AccessLog string
	LogLevel  string
	// DrainTimeout is how long requests in flight may take when a gateway stops.
	DrainTimeout time.Duration
	// Stdout takes the access logs, Stderr the logs of the gateways.
	Stdout, Stderr io.Writer
	Log            *zap.Logger
	// Show is called with the problems of the manifests and the statuses of all objects whenever either may
	// have changed.
	Show func([]manifest.Problem, report.Report)
}

// Runner runs the Gateways of a directory of manifests.
type Runner struct {
	Options
	reader *manifest.Reader
	// translations remembers what the next one need not look at again.
	translations translate.Translator
	endpoints    *endpoints
	gateways     map[Key]*gateway
	events       chan event
	// leaving are the instances that are being stopped.
	leaving  sync.WaitGroup
	problems []manifest.Problem
	report   report.Report
	// ignored are the kinds that were last said to be ignored.
	ignored string
}

// gateway is one Gateway, as far as it has been taken in.
type gateway struct {
	files    *files
	instance *instance
	want     wanted
	// refused says why the newest configuration is not even tried; empty where it is.
	refused string
	latest  event
}

// Run runs the gateways until ctx ends, and then stops them all. An error before that means that nothing could
// be started.
func Run(ctx context.Context, options Options) error {
	reader, err := manifest.NewReader(options.Paths...)
	if err != nil {
		return err
	}
	slices, err := openEndpoints(options.State.endpointsDir())
	if err != nil {
		return err
	}
	watcher, err := newWatcher(options.Paths)
	if err != nil {
		return err
	}
	r := &Runner{
		Options: options, reader: reader, endpoints: slices,
		gateways: map[Key]*gateway{}, events: make(chan event),
	}
	return errors.Join(r.loop(ctx, watcher), watcher.close())
}

// loop is the only place that changes the Runner.
func (r *Runner) loop(ctx context.Context, w *watcher) error {
	ctx, cancel := context.WithCancel(ctx)
	defer r.stopAll()
	defer cancel()
	changes := make(chan struct{}, 1)
	lost := make(chan error, 1)
	go func() {
		lost <- w.run(ctx, func() {
			select {
			case changes <- struct{}{}:
			default:
			}
		})
	}()
	if err := r.apply(); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-lost:
			return err
		case <-changes:
			if err := r.apply(); err != nil {
				r.Log.Error("taking in a change; what ran before goes on", zap.Error(err))
			}
		case e := <-r.events:
			// What a chaperone says that is about to be replaced is of no interest.
			if g := r.gateways[e.key]; g != nil && g.instance != nil && e.launch == g.instance.last.number {
				g.latest = e
				r.show()
			}
		}
	}
}

// apply takes in the directory as it is now.
func (r *Runner) apply() error {
	began := time.Now()
	set, err := r.reader.Read()
	if err != nil {
		return err
	}
	read := time.Now()
	result := r.translations.Translate(set.Inputs(inputs.Options{}))
	translated := time.Now()
	if err := r.endpoints.write(manifest.Of[*discoveryv1.EndpointSlice](set)); err != nil {
		return fmt.Errorf("writing EndpointSlices: %w", err)
	}
	r.problems, r.report = slices.Concat(set.Problems, findings.Dangling(set)), result.Report
	if ignored := set.IgnoredKinds(); ignored != r.ignored {
		r.ignored = ignored
		r.Log.Info("objects of other kinds are ignored", zap.String("kinds", ignored))
	}
	err = r.applyGateways(result.Gateways)
	r.Log.Debug("manifests applied", zap.Duration("read", read.Sub(began)),
		zap.Duration("translated", translated.Sub(read)), zap.Duration("written", time.Since(translated)))
	r.show()
	return err
}

func (r *Runner) applyGateways(list []translate.Gateway) error {
	conflicts := portConflicts(list)
	named := map[Key]bool{}
	var failed error
	for _, g := range list {
		key := Key{g.Namespace, g.Name}
		named[key] = true
		if err := r.applyGateway(key, g, conflicts[key]); err != nil {
			failed = errors.Join(failed, fmt.Errorf("applying Gateway %s: %w", key, err))
		}
	}
	for key, g := range r.gateways {
		if !named[key] {
			delete(r.gateways, key)
			r.leave(g)
		}
	}
	return failed
}

// applyGateway publishes what one Gateway is to run. A Gateway that cannot be taken as it stands goes on with
// what it runs.
func (r *Runner) applyGateway(key Key, translated translate.Gateway, conflict string) error {
	g, ok := r.gateways[key]
	if !ok {
		f, err := openFiles(r.State.gatewayDir(key))
		if err != nil {
			return err
		}
		g = &gateway{files: f}
		r.gateways[key] = g
	}
	g.refused = conflict
	if translated.Held || len(translated.Sockets) == 0 || conflict != "" {
		return nil
	}
	c, want, err := configure(translated, g.files)
	if err != nil {
		return err
	}
	if err := g.files.write(c); err != nil {
		return fmt.Errorf("writing its configuration: %w", err)
	}
	g.want = want
	if g.instance == nil {
		g.instance = r.start(key)
	}
	if g.instance.set(r.launch(key, g.files, translated)) {
		g.latest = event{}
	}
	return nil
}

func (r *Runner) launch(key Key, f *files, g translate.Gateway) launch {
	l := launch{
		key: key, files: f, endpoints: r.endpoints.dir, binaries: r.Binaries, address: r.Address,
		args: g.Settings.VarnishdExtraArgs, accessLog: accessLog(r.AccessLog, g.Settings), logLevel: r.LogLevel,
		drainTimeout: r.DrainTimeout,
	}
	for _, socket := range g.Sockets {
		l.sockets = append(l.sockets, socket.Flag())
		l.ports = append(l.ports, socket.Port)
	}
	return l
}

func (r *Runner) start(key Key) *instance {
	ctx, cancel := context.WithCancel(context.Background())
	i := &instance{
		key: key, launches: make(chan launch, 1), cancel: cancel, done: make(chan struct{}), events: r.events,
		stdout: r.Stdout, stderr: r.Stderr, log: r.Log.With(zap.Stringer("gateway", key)),
	}
	go i.run(ctx)
	return i
}

// leave stops a Gateway's chaperone without waiting for it: the others must not wait for its last requests.
func (r *Runner) leave(g *gateway) {
	if g.instance == nil {
		return
	}
	g.instance.cancel()
	r.leaving.Go(func() { <-g.instance.done })
}

func (r *Runner) stopAll() {
	for _, g := range r.gateways {
		r.leave(g)
	}
	r.leaving.Wait()
}

// show hands out the statuses with what the gateways say of themselves.
func (r *Runner) show() {
	shown := r.report
	shown.Gateways = nil
	for _, status := range r.report.Gateways {
		g := r.gateways[Key{status.Namespace, status.Name}]
		plane := report.DataPlane{Status: metav1.ConditionUnknown, Message: "The gateway could not be set up."}
		if g != nil {
			plane = dataPlane(g.want, g.why(), g.latest.status)
		}
		status.Addresses = addresses(r.Address)
		shown.Gateways = append(shown.Gateways, status.WithDataPlane(plane))
	}
	r.Show(r.problems, shown)
}

// why no configuration, or no chaperone, is running; empty where one is.
func (g *gateway) why() string {
	if g.refused != "" {
		return g.refused
	}
	return g.latest.down
}
