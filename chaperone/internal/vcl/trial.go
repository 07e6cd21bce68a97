package vcl

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/varnish-gateway/gateway/chaperone/internal/supervise"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishcli"
)

// Trial loads VCL in a varnishd of its own before the one that serves does so. As VCL is loaded, VMODs and
// vcl_init run in varnishd's child. Where they do not end, varnishd kills its child; where they panic, it dies. With the
// child go the cache and all connections, so that only a child which serves nobody should meet them first.
type Trial struct {
	// Varnishd is the program, VMODPath where VMODs are looked for; empty for varnishd's own.
	Varnishd string
	VMODPath string
	// Dir is a writable directory, short enough for a unix socket in it, in which compiled VCL can be run from.
	Dir string
	// Environment is what varnishd is given besides chaperone's own, as "NAME=value".
	Environment []string
	// Within is how long a child may take to load VCL.
	Within time.Duration
	// Wrap gives the program and arguments to run in the place of varnishd; nil for varnishd itself.
	Wrap func(program string, args []string) (string, []string)
}

// TrialWithin is how long a child may take to load VCL in a trial: half of what varnishd gives its child (cli_timeout).
const TrialWithin = 30 * time.Second

// endWithin is how long a trial's varnishd may take to end.
const endWithin = 5 * time.Second

// imports are those of VCL, in comments as well.
var imports = regexp.MustCompile(`\bimport\s+(\w+)`)

// runsForeignCode says whether anything but ghost and Varnish runs as a program is loaded.
func runsForeignCode(source []byte) bool {
	for _, match := range imports.FindAllSubmatch(source, -1) {
		if string(match[1]) != "ghost" {
			return true
		}
	}
	return false
}

// run loads a file of a directory, for which compilers have the given time. It gives a rejection where they need longer,
// or where the child that did so hung or died. An error tells nothing of the one that serves: what varnishd refuses
// harms no child, and may work there, where settings differ.
func (t *Trial) run(ctx context.Context, vclPath, file string, compile time.Duration) (*rejection, error) {
	dir, err := os.MkdirTemp(t.Dir, "try")
	if err != nil {
		return nil, fmt.Errorf("making a directory to try VCL in: %w", err)
	}
	defer os.RemoveAll(dir)
	options := supervise.Options{
		WorkDir: filepath.Join(dir, "n"), SecretFile: filepath.Join(dir, "secret"), VMODPath: t.VMODPath, VCLPath: vclPath,
		Sockets: []string{"try=" + filepath.Join(dir, "sock")}, Extra: t.arguments(),
	}
	listener, err := supervise.Listen(options.SecretFile)
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	program, args := t.Varnishd, options.Arguments(listener.Address())
	if t.Wrap != nil {
		program, args = t.Wrap(program, args)
	}
	process, err := supervise.Start(program, args, t.Environment, func(string) {})
	if err != nil {
		return nil, err
	}
	defer end(process)
	connecting, cancel := context.WithTimeout(ctx, t.Within)
	defer cancel()
	cli, err := listener.Accept(connecting, process.Pid())
	if err != nil {
		return nil, err
	}
	defer cli.Close()
	if rejected, err := compileOnly(ctx, cli, file, compile); rejected != nil || err != nil {
		return rejected, err
	}
	return t.load(ctx, cli)
}

// arguments make for a small varnishd that soon loses patience with its child.
func (t *Trial) arguments() []string {
	patience := strconv.FormatFloat(t.Within.Seconds(), 'f', -1, 64)
	args := []string{"-s", "default=malloc,1m"}
	for _, parameter := range []string{
		"cli_timeout=" + patience, "startup_timeout=" + patience, "vsl_space=1m",
		"thread_pools=1", "thread_pool_min=10", "thread_pool_max=100",
	} {
		args = append(args, "-p", parameter)
	}
	return args
}

// tried is what the program is called in a trial.
const tried = "try"

// compileOnly lets the varnishd of a trial compile a file: it has no child yet.
func compileOnly(ctx context.Context, cli *varnishcli.Client, file string, within time.Duration) (*rejection, error) {
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err := cli.LoadVCL(bounded, tried, file)
	if bounded.Err() != nil && ctx.Err() == nil {
		return tooLong(within), nil
	}
	return nil, err
}

// load lets the varnishd of a trial start a child that loads what was compiled.
func (t *Trial) load(ctx context.Context, cli *varnishcli.Client) (*rejection, error) {
	if err := cli.UseVCL(ctx, tried); err != nil {
		return nil, err
	}
	begun := time.Now()
	err := cli.Start(ctx)
	if !lostChild(err) {
		return nil, err
	}
	if time.Since(begun) >= t.Within {
		message := fmt.Sprintf("a trial of the VCL did not end: what runs as it is loaded, such as vcl_init, had %s", t.Within)
		return &rejection{message: message, harmless: true, tooLong: true}, nil
	}
	message := "a trial of the VCL ended varnishd's child"
	if words, err := cli.Panic(ctx); err == nil && words != "" {
		message += ":\n" + firstLines(words, 3)
	}
	return &rejection{message: message, harmless: true}, nil
}

func firstLines(text string, n int) string {
	lines := strings.SplitN(text, "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "\n")
}

// end ends the varnishd of a trial with what is below it.
func end(process supervise.Process) {
	_ = process.Signal(syscall.SIGTERM)
	select {
	case <-process.Done():
	case <-time.After(endWithin):
		endOthers(process.Pid(), nil)
		_ = process.Signal(syscall.SIGKILL)
		<-process.Done()
	}
}
