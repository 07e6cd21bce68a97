package supervise

import (
	"context"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishcli"
	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// children follows the children of one life of varnishd.
type children struct {
	board   *status.Board
	log     *zap.Logger
	started func()
	missing func()
	holdOn  func(pid int) (Orphan, error)

	current int
	// last outlives current, so that a child which died and one which came after it are told apart.
	last   int
	orphan Orphan
	// absent counts the looks since the child went missing.
	absent int
}

// childInspector is what it takes to follow a child.
type childInspector interface {
	Pids(ctx context.Context) (varnishcli.Pids, error)
	Panic(ctx context.Context) (string, error)
	ClearPanic(ctx context.Context) error
}

// look asks varnishd for its child and tells what has changed.
func (c *children) look(ctx context.Context, cli childInspector) error {
	pids, err := cli.Pids(ctx)
	if err != nil {
		return err
	}
	c.noteMissing(pids.Worker)
	if pids.Worker == c.current {
		return nil
	}
	if pids.Worker == 0 {
		c.setState(adminapi.VarnishdStarting)
	}
	restarted := pids.Worker != 0 && c.last != 0 && c.last != pids.Worker
	if pids.Worker == 0 || restarted {
		// Where its last words cannot be had yet, the next look finds the change as new as this one does.
		if err := c.notePanic(ctx, cli); err != nil {
			return err
		}
	}
	c.current = pids.Worker
	if pids.Worker == 0 {
		return nil
	}
	c.last = pids.Worker
	c.hold(pids.Worker)
	c.board.Update(func(st *adminapi.Status) {
		st.Varnishd.State = adminapi.VarnishdRunning
		if restarted {
			st.Varnishd.ChildRestarts++
		}
	})
	if restarted {
		c.log.Error("varnishd's child died and was started again", zap.Int("pid", pids.Worker))
	}
	c.started()
	return nil
}

// missingLooks is how often in a row a child must be missing: varnishd starts one anew by itself, and is
// asked to only where it does not.
const missingLooks = 5

func (c *children) noteMissing(worker int) {
	if worker != 0 || c.last == 0 {
		c.absent = 0
		return
	}
	if c.absent++; c.absent%missingLooks == 0 {
		c.log.Error("varnishd has no child")
		c.missing()
	}
}

func (c *children) setState(state adminapi.VarnishdState) {
	c.board.Update(func(st *adminapi.Status) { st.Varnishd.State = state })
}

// notePanic keeps the child's words, if it had any, and clears them so that the next are seen as new.
func (c *children) notePanic(ctx context.Context, cli childInspector) error {
	text, err := cli.Panic(ctx)
	if err != nil || text == "" {
		return err
	}
	c.log.Error("varnishd's child panicked", zap.String("panic", text))
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	c.board.Update(func(st *adminapi.Status) { st.Varnishd.LastPanic = first })
	return cli.ClearPanic(ctx)
}

// hold keeps hold of the child: when varnishd is killed, the child lives on for a moment, with the
// sockets that the next varnishd needs.
func (c *children) hold(pid int) {
	if c.orphan != nil {
		c.orphan.Release()
		c.orphan = nil
	}
	orphan, err := c.holdOn(pid)
	if err != nil {
		c.log.Warn("cannot follow varnishd's child", zap.Error(err))
		return
	}
	c.orphan = orphan
}

// end sees to it that no child is left. It says whether one had to be killed.
func (c *children) end(patience time.Duration) (killed bool) {
	if c.orphan == nil {
		return false
	}
	killed = c.orphan.End(patience)
	c.orphan = nil
	return killed
}

// isAboutChild says whether a line of varnishd's output tells of its child's life.
func isAboutChild(line string) bool {
	return strings.Contains(line, "Child (") && !strings.Contains(line, ") said ")
}

// logLine logs a line of varnishd under the level that varnishd gives it.
func logLine(log *zap.Logger, line string) {
	level, text, found := strings.Cut(line, ": ")
	switch {
	case found && level == "Debug":
		log.Debug(text)
	case found && level == "Info":
		log.Info(text)
	case found && (level == "Warning" || level == "Warn"):
		log.Warn(text)
	case found && level == "Error":
		log.Error(text)
	default:
		log.Info(line)
	}
}
