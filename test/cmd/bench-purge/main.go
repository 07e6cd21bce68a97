// Command bench-purge measures purges by tag while clients ask, and writes what it measured into a JSON file and a page.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/varnish-gateway/gateway/test/purge"
	"github.com/varnish-gateway/gateway/test/stack"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-purge:", err)
		os.Exit(1)
	}
}

const (
	// timeout ends a run that goes on and on.
	timeout = 30 * time.Minute
	// memoryLimit is that of load and origin, which run in this process, in bytes.
	memoryLimit = 1 << 30
)

func run(ctx context.Context) error {
	o := purge.Options{Out: os.Stdout}
	flag.IntVar(&o.Objects, "objects", 1_000_000, "objects in the cache")
	sizes := flag.String("sizes", "10,10000,100000", "objects of the tags that are purged, separated by commas")
	flag.IntVar(&o.Rounds, "rounds", 3, "how often a tag of each size is purged")
	flag.Float64Var(&o.Rate, "rate", 5000, "requests per second")
	flag.DurationVar(&o.Window, "window", 5*time.Second, "how long clients ask before a purge, and behind it")
	results := flag.String("results", "docs/benchmarks-purge.json", "file that the results are written into")
	page := flag.String("page", "docs/benchmarks-cache.md", "page that the table is written into")
	build := flag.String("build", "build", "directory that the gateway was built into")
	write := flag.Bool("write-page", false, "write the table of the results into the page, and exit")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("there are no arguments, only flags: %q", flag.Args())
	}
	if *write {
		known, err := purge.Read(*results)
		if err != nil {
			return err
		}
		return purge.WritePage(*page, known)
	}
	for text := range strings.SplitSeq(*sizes, ",") {
		size, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return fmt.Errorf("-sizes: %w", err)
		}
		o.Sizes = append(o.Sizes, size)
	}
	if o.Rate <= 0 || o.Window < 2*time.Second || o.Window > time.Minute {
		return errors.New("-rate must be positive, and -window from 2s to 1m")
	}
	var err error
	if o.Binaries, err = stack.FindBinaries(*build); err != nil {
		return err
	}
	debug.SetMemoryLimit(memoryLimit)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errors.New("the run took more than "+timeout.String()))
	defer cancel()
	measured, err := purge.Run(ctx, o)
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	if err := measured.Write(*results); err != nil {
		return err
	}
	return purge.WritePage(*page, measured)
}
