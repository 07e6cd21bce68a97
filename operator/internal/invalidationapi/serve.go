package invalidationapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"

	"github.com/varnish-gateway/gateway/operator/internal/backoff"
)

// serveAgain is when it is tried again to serve, where the port is taken or the certificate is not
// there.
var serveAgain = backoff.Backoff{First: time.Second, Last: 30 * time.Second}

const (
	// headWithin and readWithin bound how long a request may take to come in, idleWithin a
	// connection without one.
	headWithin = 5 * time.Second
	readWithin = 30 * time.Second
	idleWithin = time.Minute
	// endWithin is how long calls may take that are under way when the operator ends.
	endWithin = 15 * time.Second
	maxHead   = 16 << 10
)

// Options of the server.
type Options struct {
	// Address to listen on; empty where the API is not served.
	Address string
	// CertFile and KeyFile are for TLS; empty for none. They are read again when they change.
	CertFile, KeyFile string
}

// Server serves the API on every replica of the operator: whoever waits to lead knows the pods as
// well.
type Server struct {
	options Options
	handler http.Handler
	log     *zap.Logger
}

// NewServer serves a handler.
func NewServer(options Options, handler http.Handler, log *zap.Logger) *Server {
	return &Server{options: options, handler: handler, log: log}
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (s *Server) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable. What keeps it from serving does not end the operator, which
// has more to do.
func (s *Server) Start(ctx context.Context) error {
	for again := serveAgain; ctx.Err() == nil; {
		err := s.serve(ctx)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		pause := again.Next()
		s.log.Error("the invalidation API is not served", zap.Error(err), zap.Duration("retryIn", pause))
		backoff.Sleep(ctx, pause)
	}
	return nil
}

// serve serves until ctx ends.
func (s *Server) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: headWithin, ReadTimeout: readWithin, IdleTimeout: idleWithin, MaxHeaderBytes: maxHead,
		ErrorLog: zap.NewStdLog(s.log.WithOptions(zap.IncreaseLevel(zap.ErrorLevel))),
	}
	var certificate *certwatcher.CertWatcher
	if s.options.CertFile != "" {
		var err error
		if certificate, err = certwatcher.New(s.options.CertFile, s.options.KeyFile); err != nil {
			return fmt.Errorf("read its certificate: %w", err)
		}
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate.GetCertificate}
	}
	listener, err := net.Listen("tcp", s.options.Address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	ended := make(chan error, 2)
	if certificate != nil {
		go func() { ended <- certificate.Start(ctx) }()
		go func() { ended <- server.ServeTLS(listener, "", "") }()
	} else {
		go func() { ended <- server.Serve(listener) }()
	}
	select {
	case <-ctx.Done():
	case err = <-ended:
		_ = server.Close()
		return err
	}
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
	defer stop()
	if err := server.Shutdown(end); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("end serving: %w", err)
	}
	return nil
}
