package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// Binaries are the programs that a gateway needs.
type Binaries struct {
	// Chaperone is the path of the chaperone binary.
	Chaperone string
	// Varnishd is the path of varnishd; chaperone's own default where it is empty.
	Varnishd string
	// VMODPath are the directories with VMODs, colon-separated; varnishd's own where it is empty.
	VMODPath string
}

// process is one run of chaperone.
type process struct {
	pid int
	// admin is the address of its admin API.
	admin string
	// health is the address of its probes and metrics.
	health string
	// done is closed when it has ended; err may be read then.
	done chan struct{}
	err  error
}

// launch is what a run of chaperone needs to know.
type launch struct {
	// number tells the launches of one Gateway apart.
	number    int
	key       Key
	files     *files
	endpoints string
	binaries  Binaries
	address   string
	sockets   []string
	ports     []int32
	args      []string
	// limits are further flags of chaperone.
	limits    []string
	accessLog string
	logLevel  string
	// drainTimeout is how long requests in flight may take when it is told to stop.
	drainTimeout time.Duration
}

// arguments of chaperone, as docs/reference/chaperone.md has them.
func (l launch) arguments(admin, health string) []string {
	args := []string{
		"--gateway", l.key.String(),
		"--source", "files",
		"--config-dir", l.files.config.dir,
		"--shards-dir", l.files.shards.dir,
		"--tls-dir", l.files.tls.dir,
		// One process shares its keys with nobody.
		"--ticket-keys-dir", "",
		"--endpoints-dir", l.endpoints,
		"--work-dir", l.files.workDir(),
		"--address", l.address,
		"--admin-address", admin,
		"--admin-token-file", l.files.tokenFile(),
		"--health-address", health,
		"--access-log", l.accessLog,
		"--log-level", l.logLevel,
		"--drain-delay", "0s",
		"--drain-timeout", l.drainTimeout.String(),
	}
	if l.binaries.Varnishd != "" {
		args = append(args, "--varnishd", l.binaries.Varnishd)
	}
	if l.binaries.VMODPath != "" {
		args = append(args, "--vmod-path", l.binaries.VMODPath)
	}
	for _, arg := range l.args {
		args = append(args, "--varnishd-arg", arg)
	}
	for _, socket := range l.sockets {
		args = append(args, "--listen", socket)
	}
	return append(args, l.limits...)
}

// start runs chaperone. Its output goes to stdout (the access log) and stderr (its own log).
func (l launch) start(stdout, stderr io.Writer) (*process, error) {
	admin, err := freeAddress()
	if err != nil {
		return nil, err
	}
	health, err := freeAddress()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(l.binaries.Chaperone, l.arguments(admin, health)...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	// A terminal's ctrl-C goes to its whole process group: chaperone gets one of its own, so that it is told
	// to stop in order, once. It must not outlive us either.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	p := &process{admin: admin, health: health, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread ends that started the process, so it must live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		p.pid = cmd.Process.Pid
		started <- nil
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting chaperone: %w", err)
	}
	return p, nil
}

// stopGrace is how much longer than its own drain timeout chaperone may take to stop.
const stopGrace = 10 * time.Second

// stop tells chaperone to drain and end, and waits for it. One that does not end is killed.
func (p *process) stop(drainTimeout time.Duration) error {
	if err := syscall.Kill(p.pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(drainTimeout + stopGrace):
	}
	err := syscall.Kill(p.pid, syscall.SIGKILL)
	<-p.done
	return errors.Join(fmt.Errorf("chaperone (pid %d) did not stop within %s and was killed", p.pid, drainTimeout+stopGrace), err)
}

// freeAddress finds a port of the loopback that nobody uses now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// portInUse tells which of the ports somebody else listens on; nil where all are free.
func portInUse(ctx context.Context, address string, ports []int32) error {
	for _, port := range ports {
		var config net.ListenConfig
		l, err := config.Listen(ctx, "tcp", net.JoinHostPort(address, strconv.Itoa(int(port))))
		if err != nil {
			if errors.Is(err, syscall.EADDRINUSE) {
				return fmt.Errorf("port %d on %s is in use by another process", port, address)
			}
			return fmt.Errorf("port %d on %s: %w", port, address, err)
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}
