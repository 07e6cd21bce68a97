package local

import (
	"cmp"
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// gateway is one Gateway, as far as it has been taken in.
type gateway struct {
	// files are nil until there was something to write.
	files *files
	// instance is nil where no chaperone is to run.
	instance *instance
	want     dataplane.Wanted
	// refused says why the newest configuration is not even tried; empty where it is.
	refused string
	latest  event
}

// applyGateways publishes what each Gateway is to run. One that fails harms no other.
func (r *Runner) applyGateways(list []translate.Gateway) {
	named := map[Key]bool{}
	for _, t := range list {
		key := Key{t.Namespace, t.Name}
		named[key] = true
		if r.gateways[key] == nil {
			r.gateways[key] = &gateway{}
		}
	}
	for key, g := range r.gateways {
		if !named[key] {
			r.leave(key, g)
			delete(r.gateways, key)
		}
	}
	conflicts := portConflicts(r.claims(list))
	for _, t := range list {
		key := Key{t.Namespace, t.Name}
		r.take(key, t, conflicts[key])
	}
}

// claims are the ports of each Gateway: those that it is to have or, where that is not known, those that it has.
func (r *Runner) claims(list []translate.Gateway) []claim {
	var claims []claim
	for _, t := range list {
		c := claim{key: Key{t.Namespace, t.Name}}
		if decided(t) {
			c.ports = portsOf(t.Sockets)
		} else if g := r.gateways[c.key]; g.instance != nil {
			c.ports = g.instance.last.ports
		}
		claims = append(claims, c)
	}
	return claims
}

// take takes in one Gateway. With a port that another has it cannot run; where it cannot be published, what it ran before
// goes on.
func (r *Runner) take(key Key, t translate.Gateway, conflict string) {
	g := r.gateways[key]
	if conflict != "" {
		r.leave(key, g)
		g.refused = conflict
		return
	}
	err := r.publish(key, g, t)
	if err == nil {
		g.refused = ""
		return
	}
	refused := "The configuration cannot be published: " + err.Error() + "."
	if g.refused != refused {
		r.Log.Error("publishing the configuration of a Gateway; what ran before goes on", zap.Stringer("gateway", key), zap.Error(err))
	}
	g.refused = refused
}

// publish writes what a Gateway is to run, and sees to its process.
func (r *Runner) publish(key Key, g *gateway, t translate.Gateway) error {
	if !decided(t) && g.instance == nil {
		return nil
	}
	if g.files == nil {
		f, err := openFiles(r.State.gatewayDir(key))
		if err != nil {
			r.lookAgain(retryPause)
			return fmt.Errorf("opening its directory: %w", err)
		}
		g.files = f
	}
	c, want, err := configure(t, g.files)
	if err != nil {
		return err
	}
	if err := g.files.write(c); err != nil {
		r.lookAgain(retryPause)
		return fmt.Errorf("writing its configuration: %w", err)
	}
	g.want = want
	if !decided(t) {
		return nil
	}
	if g.instance == nil {
		g.instance = r.start(key)
	}
	if g.instance.set(r.launch(key, g.files, t)) {
		g.latest = event{}
	}
	return nil
}

// launch is what a Gateway's chaperone is started with: what its pods would be, besides what this machine decides.
func (r *Runner) launch(key Key, f *files, g translate.Gateway) launch {
	access, level := workload.Logs(&g.Settings)
	l := launch{
		key: key, files: f, endpoints: r.endpoints.dir, binaries: r.Binaries, address: r.Address, ports: portsOf(g.Sockets),
		args: workload.VarnishdArguments(&g.Settings), limits: workload.LimitArguments(&g.Settings),
		accessLog: cmp.Or(r.AccessLog, access), logLevel: cmp.Or(r.LogLevel, level),
		drainTimeout: r.DrainTimeout,
	}
	for _, socket := range g.Sockets {
		l.sockets = append(l.sockets, socket.Flag())
	}
	return l
}

// start makes ready to run a Gateway's chaperone, once the one before has ended that used the same directories.
func (r *Runner) start(key Key) *instance {
	ctx, cancel := context.WithCancel(context.Background())
	i := &instance{
		key: key, launches: make(chan launch, 1), cancel: cancel, before: r.stopping[key], done: make(chan struct{}), events: r.events,
		stdout: r.Stdout, stderr: r.Stderr, log: r.Log.With(zap.Stringer("gateway", key)),
	}
	delete(r.stopping, key)
	go i.run(ctx)
	return i
}

// forgetGone removes what lies here of Gateways that are gone. Of one that is being stopped it stays until that is done.
func (r *Runner) forgetGone() {
	keep := map[Key]bool{}
	for key := range r.gateways {
		keep[key] = true
	}
	for key, stopped := range r.stopping {
		select {
		case <-stopped:
		default:
			keep[key] = true
			if r.gateways[key] == nil {
				r.lookAgain(retryPause)
			}
		}
	}
	if err := r.State.forget(keep); err != nil {
		r.Log.Error("removing what is left of Gateways that are gone", zap.Error(err))
	}
}

// leave stops a Gateway's chaperone, if there is one, without waiting for it: the others must not wait for its last requests.
func (r *Runner) leave(key Key, g *gateway) {
	i := g.instance
	if i == nil {
		return
	}
	g.instance, g.latest = nil, event{}
	i.cancel()
	r.stopping[key] = i.done
	r.leaving.Go(func() { <-i.done })
}
