// Command chaperone is the first process of a gateway pod: it supervises varnishd, brings it its
// configuration, and terminates TLS. See docs/reference/chaperone.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/spf13/pflag"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/varnish-gateway/gateway/chaperone/internal/confine"
	"github.com/varnish-gateway/gateway/chaperone/internal/memory"
	"github.com/varnish-gateway/gateway/chaperone/internal/options"
	"github.com/varnish-gateway/gateway/chaperone/internal/pid1"
	"github.com/varnish-gateway/gateway/chaperone/internal/pod"
	"github.com/varnish-gateway/gateway/chaperone/internal/schedule"
	"github.com/varnish-gateway/gateway/chaperone/internal/version"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func main() {
	os.Exit(int(run(os.Args[1:])))
}

func run(args []string) pod.ExitCode {
	if len(args) > 0 && args[0] == confine.Command {
		fmt.Fprintln(os.Stderr, "chaperone:", confine.Become(args[1:]))
		return pod.ExitFailed
	}
	o, err := options.Parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		return pod.ExitStopped
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaperone:", err)
		leaveMessage(err)
		return pod.ExitUsage
	}
	if o.Version {
		printVersions(o)
		return pod.ExitStopped
	}
	if pid1.Needed() {
		return first(args)
	}
	// A reader of standard output that goes away must not take the gateway with it: to the Go runtime, a
	// signal that is caught is an error of the write (os/signal). Nor must SIGHUP, by which daemons are
	// told to read their configuration again: there is nothing to do.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE, syscall.SIGHUP)
	log := newLogger(o.LogLevel)
	defer log.Sync()
	boundMemory(log)
	if err := schedule.Batch(); err != nil {
		log.Info("threads take processors from each other as they wake, which costs speed", zap.Error(err))
	}
	if err := hideKeys(&o); err != nil {
		log.Warn("varnishd, and so the VCL that it runs, can read private keys and tokens", zap.Error(err))
	}
	p, err := pod.New(o, log)
	if err == nil {
		stop, hurry := signals()
		err = p.Run(stop, hurry)
	}
	if err != nil {
		log.Error("chaperone ends", zap.Error(err))
		leaveMessage(err)
	}
	return pod.ExitCodeOf(err)
}

// boundMemory keeps the Go runtime to a share of the container's memory.
func boundMemory(log *zap.Logger) {
	if os.Getenv("GOGC") == "" {
		memory.CollectSparingly()
	}
	limit, err := memlimit.Set(memlimit.WithRatio(memoryShare), memlimit.WithMin(minMemory))
	if err != nil {
		log.Info("the container's memory limit is not known", zap.Error(err))
		return
	}
	log.Debug("memory limit of the Go runtime", zap.Int64("bytes", limit))
}

// The Go runtime's own limit (GOMEMLIMIT, a soft one): chaperone shares the container's memory with varnishd, whose cache may
// be the most of it.
const (
	memoryShare = 0.25
	minMemory   = 64 << 20
)

// tokens is where a pod's token for the API is mounted (Kubernetes, "Configure Service Accounts for Pods"), and beside it those
// for the APIs of clouds.
const tokens = "/var/run/secrets"

// hideKeys keeps private keys and tokens from varnishd, where the kernel can.
func hideKeys(o *options.Options) error {
	if err := confine.Available(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	confinement := confine.Confinement{Self: self, Hidden: []string{tokens}}
	for _, path := range []string{o.TLSDir, o.TicketKeysDir, o.Admin.TokenFile, o.Admin.KeyFile} {
		if path != "" {
			confinement.Hidden = append(confinement.Hidden, path)
		}
	}
	// Where this fails, varnishd would fail as well.
	if err := confinement.Try(self, "--version"); err != nil {
		return err
	}
	o.Confinement = confinement
	// The C compiler's files must be where varnishd can read what is made later.
	temporary, err := filepath.Abs(o.WorkDir)
	if err != nil {
		return err
	}
	return os.Setenv("TMPDIR", temporary)
}

// terminationLog is the file of which the kubelet makes the last message of a container, where it is there
// (Kubernetes, "Determine the Reason for Pod Failure").
const terminationLog = "/dev/termination-log"

// leaveMessage tells the kubelet why chaperone ends.
func leaveMessage(err error) {
	file, openErr := os.OpenFile(terminationLog, os.O_WRONLY|os.O_TRUNC, 0)
	if openErr != nil {
		return
	}
	defer file.Close()
	fmt.Fprintln(file, err)
}

// first runs chaperone proper under the first process of the container.
func first(args []string) pod.ExitCode {
	program, err := os.Executable()
	if err == nil {
		var code int
		if code, err = pid1.Run(program, args); err == nil {
			return pod.ExitCode(code)
		}
	}
	fmt.Fprintln(os.Stderr, "chaperone:", err)
	return pod.ExitFailed
}

// signals gives a context that ends with the first signal that asks for an end, and one that ends with the
// second.
func signals() (stop, hurry context.Context) {
	stop, cancelStop := context.WithCancel(context.Background())
	hurry, cancelHurry := context.WithCancel(context.Background())
	received := make(chan os.Signal, 2)
	signal.Notify(received, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-received
		cancelStop()
		<-received
		cancelHurry()
	}()
	return stop, hurry
}

// newLogger writes JSON lines to standard error; standard output is the access log's.
func newLogger(level zapcore.Level) *zap.Logger {
	config := zap.NewProductionEncoderConfig()
	config.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	config.EncodeDuration = zapcore.StringDurationEncoder
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(config), zapcore.Lock(os.Stderr), level))
}

func printVersions(o options.Options) {
	fmt.Println("chaperone", version.Version())
	fmt.Println("routing.json", routing.Version)
	fmt.Println("ghost.json", ghostconf.Version)
	fmt.Println("main.vcl", mainvcl.Version)
	if output, err := exec.Command(o.Varnishd, "-V").CombinedOutput(); err == nil {
		first, _, _ := strings.Cut(string(output), "\n")
		fmt.Println(first)
	}
}
