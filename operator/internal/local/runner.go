package local

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	discoveryv1 "k8s.io/api/discovery/v1"

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
	// AccessLog and LogLevel are chaperone's; empty for what each Gateway's parameters say.
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
	// again is when to look again although nothing has changed; nil where there is no need.
	again <-chan time.Time
	// failed is why the last change could not be taken in; empty where it was.
	failed string
	// leaving are the instances that are being stopped; stopping is closed when the last one of a Gateway has ended.
	leaving  sync.WaitGroup
	stopping map[Key]<-chan struct{}
	problems []manifest.Problem
	report   report.Report
	// ignored are the kinds that were last said to be ignored.
	ignored string
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
	watcher, err := newWatcher(options.Paths, options.Log)
	if err != nil {
		return err
	}
	r := &Runner{
		Options: options, reader: reader, endpoints: slices,
		gateways: map[Key]*gateway{}, events: make(chan event), stopping: map[Key]<-chan struct{}{},
	}
	return r.loop(ctx, watcher)
}

// loop is the only place that changes the Runner.
func (r *Runner) loop(ctx context.Context, w *watcher) error {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer r.stopAll()
	defer watching.Wait()
	defer cancel()
	changes := make(chan struct{}, 1)
	watching.Go(func() {
		w.run(ctx, func() {
			select {
			case changes <- struct{}{}:
			default:
			}
		})
	})
	if err := r.apply(); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
			r.applyChange()
		case <-r.again:
			r.applyChange()
		case e := <-r.events:
			// What a chaperone says that is about to be replaced is of no interest.
			if g := r.gateways[e.from.key]; g != nil && g.instance == e.from && e.launch == e.from.last.number {
				g.latest = e
				r.show()
			}
		}
	}
}

// retryPause is the time between two attempts at what failed.
const retryPause = time.Second

// lookAgain takes the directory in after a pause, whether or not it changes, unless that is about to happen anyway.
func (r *Runner) lookAgain(pause time.Duration) {
	if r.again == nil {
		r.again = time.After(pause)
	}
}

// applyChange goes on with what ran before where a change cannot be taken in, and tries again.
func (r *Runner) applyChange() {
	err := r.apply()
	if err == nil {
		r.failed = ""
		return
	}
	if r.failed != err.Error() {
		r.Log.Error("taking in a change; what ran before goes on", zap.Error(err))
	}
	r.failed = err.Error()
	r.lookAgain(retryPause)
}

// apply takes in the directory as it is now.
func (r *Runner) apply() error {
	began := time.Now()
	r.again = nil
	set, err := r.reader.Read()
	if err != nil {
		return err
	}
	if set.Emptied {
		r.lookAgain(manifest.EmptyPause)
	}
	read := time.Now()
	in := set.Inputs(inputs.Options{})
	in.Presented = r.presented(in.Gateways)
	result := r.translations.Translate(in)
	translated := time.Now()
	if err := r.endpoints.write(manifest.Of[*discoveryv1.EndpointSlice](set)); err != nil {
		return fmt.Errorf("writing EndpointSlices: %w", err)
	}
	r.problems, r.report = slices.Concat(set.Problems, findings.Dangling(set), findings.Unserved(set)), result.Report
	if ignored := set.IgnoredKinds(); ignored != r.ignored {
		r.ignored = ignored
		r.Log.Info("objects of other kinds are ignored", zap.String("kinds", ignored))
	}
	r.applyGateways(result.Gateways)
	// A file that cannot be read may be one of a Gateway.
	if len(set.Problems) == 0 && !set.Emptied {
		r.forgetGone()
	}
	r.Log.Debug("manifests applied", zap.Duration("read", read.Sub(began)),
		zap.Duration("translated", translated.Sub(read)), zap.Duration("written", time.Since(translated)))
	r.show()
	return nil
}

func (r *Runner) stopAll() {
	for key, g := range r.gateways {
		r.leave(key, g)
	}
	r.leaving.Wait()
}

// show hands out the statuses with what the gateways say of themselves.
func (r *Runner) show() {
	shown := r.report
	shown.Gateways = nil
	for _, status := range r.report.Gateways {
		g := r.gateways[Key{status.Namespace, status.Name}]
		status.Addresses = addresses(r.Address)
		plane := dataPlane(g.want, cmp.Or(g.refused, g.latest.down), g.latest.status)
		shown.Gateways = append(shown.Gateways, status.WithDataPlane(plane))
	}
	r.Show(r.problems, shown)
}
