package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/internal/backoff"
	"github.com/varnish-gateway/gateway/operator/internal/gather"
)

// discoverAgain is when it is asked again what is installed.
var discoverAgain = backoff.Backoff{First: time.Second, Last: 10 * time.Second}

// discover asks which kinds are installed until the API server answers and they suffice, or ctx ends. Meanwhile the operator
// says on its health address that it lives and is not ready: it has nothing to do, and would gain nothing by being started again.
func discover(ctx context.Context, config *rest.Config, scheme *runtime.Scheme, healthAddress string, log *zap.Logger) (gather.Installed, error) {
	api, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return gather.Installed{}, fmt.Errorf("prepare discovery: %w", err)
	}
	reader, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return gather.Installed{}, fmt.Errorf("prepare reading: %w", err)
	}
	stop, err := serveWaiting(healthAddress)
	if err != nil {
		return gather.Installed{}, err
	}
	defer stop()
	return await(ctx, func() (gather.Installed, error) { return gather.Discover(ctx, api, reader) }, log), nil
}

// await asks until there is an answer or ctx ends.
func await(ctx context.Context, ask func() (gather.Installed, error), log *zap.Logger) gather.Installed {
	for again := discoverAgain; ; {
		installed, err := ask()
		if err == nil || ctx.Err() != nil {
			return installed
		}
		pause := again.Next()
		log.Warn("waiting for what the operator needs", zap.Error(err), zap.Duration("retryIn", pause))
		if backoff.Sleep(ctx, pause); ctx.Err() != nil {
			return installed
		}
	}
}

// serveWaiting answers probes until the returned function is called, after which the address is free again.
func serveWaiting(address string) (stop func(), err error) {
	if address == "0" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on --health-address: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "waiting for the API server, or for definitions; the log says which", http.StatusServiceUnavailable)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return func() {
		_ = server.Close()
		_ = listener.Close() // which the server does not know yet where it has just begun
	}, nil
}
