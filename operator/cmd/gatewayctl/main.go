// Command gatewayctl runs, checks and explains Varnish Gateways from a directory of manifests, without a cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newRoot(os.Stdout, os.Stderr).ExecuteContext(ctx)
	stop()
	if err != nil {
		if !errors.Is(err, errFound) {
			fmt.Fprintln(os.Stderr, "gatewayctl:", err)
		}
		os.Exit(1)
	}
}
