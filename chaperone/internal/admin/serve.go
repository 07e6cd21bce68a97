package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// timeouts are limits of a caller's connection: for the head of a request, for all of it, and between two.
type timeouts struct{ header, read, idle time.Duration }

var defaultTimeouts = timeouts{header: 10 * time.Second, read: 30 * time.Second, idle: 2 * time.Minute}

const (
	// endTimeout is how long calls may take when the server ends; those that wait are told so.
	endTimeout = 2 * time.Second
)

// Serve answers calls until ctx ends, with TLS where config is not nil, and closes the listener.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, config *tls.Config, log *zap.Logger) error {
	return serveWithin(ctx, listener, handler, config, log, defaultTimeouts)
}

func serveWithin(ctx context.Context, listener net.Listener, handler http.Handler, config *tls.Config, log *zap.Logger, within timeouts) error {
	server := &http.Server{
		Handler:           handler,
		TLSConfig:         config,
		ReadHeaderTimeout: within.header,
		ReadTimeout:       within.read,
		IdleTimeout:       within.idle,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          zap.NewStdLog(log),
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		end, cancel := context.WithTimeout(context.Background(), endTimeout)
		defer cancel()
		if server.Shutdown(end) != nil {
			_ = server.Close()
		}
	})
	var err error
	if config != nil {
		err = server.ServeTLS(listener, "", "")
	} else {
		err = server.Serve(listener)
	}
	if stop() {
		_ = server.Close()
		return fmt.Errorf("serve the admin API: %w", err)
	}
	<-ended
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the admin API: %w", err)
	}
	return nil
}
