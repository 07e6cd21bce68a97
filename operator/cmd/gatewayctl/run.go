package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/varnish-gateway/gateway/operator/internal/local"
	"github.com/varnish-gateway/gateway/operator/internal/printer"
	"github.com/varnish-gateway/gateway/operator/internal/sibling"
)

type runFlags struct {
	paths                                   []string
	stateDir, chaperone, varnishd, vmodPath string
	address, accessLog, logLevel            string
	drainTimeout                            time.Duration
}

func newRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run -f DIR",
		Short: "Serve the Gateways of a directory, and follow its changes",
		Long: `Run translates the manifests, prints statuses as kubectl get would, and runs chaperone and varnishd for each
Gateway. A file that is saved takes effect at once; one that is broken leaves its last good state serving.
Ctrl-C finishes the requests in flight and stops everything.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	addFile(cmd, &f.paths)
	flags := cmd.Flags()
	flags.StringVar(&f.stateDir, "state-dir", "", "directory for sockets and generated files, at most 60 bytes long (default a temporary one)")
	flags.StringVar(&f.chaperone, "chaperone", "", "the chaperone binary (default beside gatewayctl, or on the PATH)")
	flags.StringVar(&f.varnishd, "varnishd", "", "the varnishd binary (default on the PATH)")
	flags.StringVar(&f.vmodPath, "vmod-path", "", "directories with VMODs, colon-separated (default varnishd's own)")
	flags.StringVar(&f.address, "address", "127.0.0.1", "address where the listeners bind")
	flags.StringVar(&f.accessLog, "access-log", "", "access log on standard output: off, common or json (default what the Gateway's parameters say)")
	flags.StringVar(&f.logLevel, "log-level", "", "debug, info, warn or error (default what the Gateway's parameters say; info for gatewayctl itself)")
	flags.DurationVar(&f.drainTimeout, "drain-timeout", 10*time.Second, "how long requests in flight may take when a gateway stops")
	return cmd
}

func (f runFlags) run(cmd *cobra.Command) (err error) {
	log, err := newLog(cmd.ErrOrStderr(), cmp.Or(f.logLevel, "info"))
	if err != nil {
		return err
	}
	binaries, err := f.binaries()
	if err != nil {
		return err
	}
	state, err := local.OpenStateDir(f.stateDir)
	if err != nil {
		return err
	}
	defer func() {
		if closed := state.Close(); err == nil {
			err = closed
		}
	}()
	log.Info("state directory", zap.String("path", state.Path()))
	return local.Run(cmd.Context(), local.Options{
		Paths: f.paths, State: state, Binaries: binaries, Address: f.address,
		AccessLog: f.accessLog, LogLevel: f.logLevel, DrainTimeout: f.drainTimeout,
		Stdout: os.Stdout, Stderr: os.Stderr, Log: log,
		Show: printer.New(cmd.OutOrStdout(), cmd.ErrOrStderr()).Print,
	})
}

// binaries are named absolutely: chaperone need not share our working directory.
func (f runFlags) binaries() (local.Binaries, error) {
	chaperone, err := sibling.Find("chaperone", f.chaperone, "chaperone")
	if err != nil {
		return local.Binaries{}, err
	}
	b := local.Binaries{Chaperone: chaperone, VMODPath: f.vmodPath}
	varnishd, err := exec.LookPath(cmp.Or(f.varnishd, "varnishd"))
	if err != nil && f.varnishd == "" {
		return b, fmt.Errorf("no varnishd on the PATH (name it with --varnishd): %w", err)
	}
	if err != nil {
		return b, fmt.Errorf("--varnishd: %w", err)
	}
	b.Varnishd, err = filepath.Abs(varnishd)
	return b, err
}

func newLog(w io.Writer, level string) (*zap.Logger, error) {
	parsed, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, fmt.Errorf("--log-level: %w", err)
	}
	config := zap.NewDevelopmentEncoderConfig()
	config.EncodeTime = zapcore.RFC3339TimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(config), zapcore.Lock(zapcore.AddSync(w)), parsed)), nil
}
