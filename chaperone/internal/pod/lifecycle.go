package pod

import (
	"context"
	"regexp"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/chaperone/internal/reload"
	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishcli"
	"github.com/varnish-gateway/gateway/chaperone/internal/vcl"
	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// lifecycle tells the parts of varnishd's life. It is a supervise.Handler.
type lifecycle struct {
	vcl    *vcl.Manager
	reload *reload.Controller
	board  *status.Board
	// sockets are told of varnishd's.
	sockets *openSockets

	mu  sync.Mutex
	cli *varnishcli.Client
}

// Up implements supervise.Handler.
func (l *lifecycle) Up(ctx context.Context, cli *varnishcli.Client) {
	l.set(cli)
	l.board.Update(func(s *adminapi.Status) { s.Versions.Varnishd = versionIn(cli.Banner) })
	l.vcl.Up(ctx, cli)
}

// ChildStarted implements supervise.Handler.
func (l *lifecycle) ChildStarted() {
	l.sockets.setPlain(true)
	l.vcl.ChildStarted()
	l.reload.ChildStarted()
}

// ChildMissing implements supervise.Handler.
func (l *lifecycle) ChildMissing() { l.vcl.ChildMissing() }

// Down implements supervise.Handler.
func (l *lifecycle) Down() {
	l.set(nil)
	l.sockets.setPlain(false)
	l.vcl.Down()
	l.reload.Down()
}

func (l *lifecycle) set(cli *varnishcli.Client) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cli = cli
}

const (
	// drainIdle is varnishd's timeout_idle, in seconds, while the pod drains: long enough for a client that has
	// just had an answer to send its next request without meeting a closed connection.
	drainIdle = "0.5"
	// setWithin is how long varnishd or ghost may take to change how connections end.
	setWithin = 5 * time.Second
)

// shortenIdle makes varnishd close connections soon that wait for a next request.
func (l *lifecycle) shortenIdle(ctx context.Context, log *zap.Logger) {
	l.mu.Lock()
	cli := l.cli
	l.mu.Unlock()
	if cli == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, setWithin)
	defer cancel()
	if err := cli.SetParam(ctx, "timeout_idle", drainIdle); err != nil {
		log.Warn("idle connections will last their full time", zap.Error(err))
	}
}

var bannerVersion = regexp.MustCompile(`varnish-(\S+)`)

// versionIn finds varnishd's version in its greeting.
func versionIn(banner string) string {
	if match := bannerVersion.FindStringSubmatch(banner); match != nil {
		return match[1]
	}
	return ""
}
