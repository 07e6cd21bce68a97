package local

import (
	"context"
	"fmt"
	"io"
	"os"
	"reflect"
	"time"

	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/operator/internal/backoff"
	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// startAgain is when a chaperone that has ended is started again.
var startAgain = backoff.Backoff{First: 100 * time.Millisecond, Last: 5 * time.Second}

// settled is how long a chaperone must have run for its end not to be held against the next one.
const settled = 30 * time.Second

// event is what an instance tells of its chaperone.
type event struct {
	from *instance
	// launch is the number of the launch that it stems from.
	launch int
	// down says why no chaperone runs; empty where one does.
	down string
	// status is what the chaperone said last; nil before it said anything.
	status *adminapi.Status
}

// instance keeps one Gateway's chaperone running.
type instance struct {
	key      Key
	launches chan launch
	cancel   context.CancelFunc
	// before is closed when an earlier instance of the same Gateway has ended; nil where there was none.
	before <-chan struct{}
	// done is closed when its chaperone has ended for good.
	done   chan struct{}
	events chan<- event
	stdout io.Writer
	stderr io.Writer
	log    *zap.Logger
	// last is the launch that was asked for; it belongs to the caller's goroutine.
	last launch
}

// set asks for a chaperone with these arguments, and says whether none runs with them yet. One that runs with others
// is stopped first: the sockets of varnishd are fixed when it starts.
func (i *instance) set(l launch) (changed bool) {
	l.number = i.last.number
	if reflect.DeepEqual(i.last, l) {
		return false
	}
	l.number++
	i.last = l
	select {
	case <-i.launches:
	default:
	}
	i.launches <- l
	return true
}

// run lives until ctx ends; then it stops its chaperone in order.
func (i *instance) run(ctx context.Context) {
	defer close(i.done)
	if i.before != nil {
		<-i.before
	}
	var current launch
	select {
	case <-ctx.Done():
		return
	case current = <-i.launches:
	}
	again := startAgain
	for ctx.Err() == nil {
		started := time.Now()
		down, next := i.once(ctx, current)
		if next != nil {
			current = *next
			again.Reset()
			continue
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(started) > settled {
			again.Reset()
		}
		wait := again.Next()
		i.log.Warn("gateway is down", zap.String("reason", down), zap.Duration("retryIn", wait))
		i.tell(ctx, event{from: i, launch: current.number, down: down})
		select {
		case <-ctx.Done():
		case current = <-i.launches:
			again.Reset()
		case <-time.After(wait):
		}
	}
}

// once runs one chaperone. It returns why it is down, or the launch that is asked for instead.
func (i *instance) once(ctx context.Context, l launch) (down string, next *launch) {
	if err := portInUse(ctx, l.address, l.ports); err != nil {
		return err.Error(), nil
	}
	token, err := l.files.token()
	if err != nil {
		return err.Error(), nil
	}
	p, err := l.start(i.stdout, i.stderr)
	if err != nil {
		return err.Error(), nil
	}
	if err := replaceFile(l.files.adminFile(), []byte(p.admin+" "+l.key.String()), 0o600); err != nil {
		i.log.Warn("gatewayctl purge will not find the gateway", zap.Error(err))
	}
	defer os.Remove(l.files.adminFile())
	i.log.Info("gateway started", zap.Int("pid", p.pid), zap.String("metrics", "http://"+p.health+"/metrics"))
	i.tell(ctx, event{from: i, launch: l.number})
	following, stopFollowing := context.WithCancel(ctx)
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		follow(following, p.admin, token, func(s adminapi.Status) { i.tell(following, event{from: i, launch: l.number, status: &s}) })
	}()
	defer func() { stopFollowing(); <-followed }()
	select {
	case <-p.done:
		return fmt.Sprintf("chaperone (pid %d) ended: %s", p.pid, ending(p.err)), nil
	case changed := <-i.launches:
		i.log.Info("restarting the gateway with other sockets or arguments", zap.Int("pid", p.pid))
		i.stop(p, l)
		return "", &changed
	case <-ctx.Done():
		i.stop(p, l)
		return "", nil
	}
}

func (i *instance) stop(p *process, l launch) {
	if err := p.stop(l.drainTimeout); err != nil {
		i.log.Error("stopping the gateway", zap.Error(err))
		return
	}
	i.log.Info("gateway stopped", zap.Int("pid", p.pid))
}

func (i *instance) tell(ctx context.Context, e event) {
	select {
	case i.events <- e:
	case <-ctx.Done():
	}
}

func ending(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}
