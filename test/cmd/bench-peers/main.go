// Command bench-peers measures the gateway beside other proxies, and writes what it measured into a
// JSON file and a page.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/varnish-gateway/gateway/test/peers"
	"github.com/varnish-gateway/gateway/test/peers/report"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-peers:", err)
		os.Exit(1)
	}
}

// timeout ends a run that goes on and on.
const timeout = time.Hour

func run(ctx context.Context) error {
	o := peers.Options{Out: os.Stdout}
	scenarios := flag.String("scenarios", "", "names of scenarios, or their beginnings, separated by commas (default all)")
	flag.IntVar(&o.Rounds, "rounds", 3, "how often each subject is measured")
	flag.IntVar(&o.Seconds, "seconds", 2, "how long each measurement takes")
	flag.Float64Var(&o.Rate, "rate", 8000, "requests per second at which latency is measured")
	flag.IntVar(&o.Connections, "connections", 10_000, "connections, or slow requests, that are held while memory is measured")
	flag.IntVar(&o.TLSConnections, "tls-connections", 3000, "TLS connections that are held while memory is measured")
	flag.DurationVar(&o.QuietPatience, "quiet-patience", 3*time.Minute, "how long to wait, in all, for a quiet machine")
	flag.StringVar(&o.Results, "results", "docs/benchmarks.json", "file that the results are merged into")
	flag.StringVar(&o.Page, "page", "docs/benchmarks.md", "page that the tables are written into")
	build := flag.String("build", "build", "directory that the gateway was built into")
	envoy := flag.String("envoy", "envoy", "the envoy binary")
	list := flag.Bool("list", false, "list the scenarios, and exit")
	write := flag.Bool("write-page", false, "write the tables of the results into the page, and exit")
	flag.Parse()
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("there are no arguments, only flags: %q", flag.Args())
	case *list:
		fmt.Println(strings.Join(peers.Names(), "\n"))
		return nil
	case *write:
		results, err := report.Read(o.Results)
		if err != nil {
			return err
		}
		return peers.WritePage(o.Page, results)
	}
	o.Scenarios = strings.FieldsFunc(*scenarios, func(r rune) bool { return r == ',' || r == ' ' })
	tools, err := peers.FindTools(*build, *envoy)
	if err != nil {
		return err
	}
	if err := raiseOpenFiles(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errors.New("the run took more than "+timeout.String()))
	defer cancel()
	return peers.Run(ctx, o, tools)
}

// raiseOpenFiles lets this program and those that it starts have as many open files as the machine
// allows.
func raiseOpenFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}
