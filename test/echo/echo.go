// Package echo is an example service: it answers with what it saw of the request, and misbehaves on demand.
package echo

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Options of a service.
type Options struct {
	// Service and Pod name the service in its answers.
	Service, Pod string
	// HTTP1Only refuses HTTP/2 without TLS, which is spoken otherwise.
	HTTP1Only bool
	// Behaviour of every answer, where the request's own headers do not ask for another.
	Behaviour Behaviour
}

// Seen is the answer: what the service saw of the request.
type Seen struct {
	Service   string      `json:"service"`
	Pod       string      `json:"pod,omitempty"`
	Protocol  string      `json:"protocol"`
	Method    string      `json:"method"`
	Host      string      `json:"host"`
	Path      string      `json:"path"`
	Query     string      `json:"query,omitempty"`
	Headers   http.Header `json:"headers"`
	BodyBytes int64       `json:"bodyBytes"`
}

// Handler answers requests.
func Handler(options Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // the client is gone
		}
		behaviour, err := options.Behaviour.with(r.Header)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body, err := json.MarshalIndent(Seen{
			Service: options.Service, Pod: options.Pod, Protocol: r.Proto, Method: r.Method, Host: r.Host,
			Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Headers: r.Header, BodyBytes: n,
		}, "", "  ")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		for _, line := range r.Header.Values("X-Echo-Set-Header") {
			if name, value, ok := strings.Cut(line, ":"); ok {
				w.Header().Add(name, strings.TrimSpace(value))
			}
		}
		behaviour.answer(r.Context(), w, append(body, '\n'))
	})
}

// shutdownTimeout bounds how long requests in flight may take when the service stops.
const shutdownTimeout = 5 * time.Second

// Serve answers on l until ctx ends, and then finishes the requests in flight.
func Serve(ctx context.Context, l net.Listener, options Options) error {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(!options.HTTP1Only)
	server := &http.Server{Handler: Handler(options), Protocols: &protocols, ReadHeaderTimeout: time.Minute}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		stopped <- server.Shutdown(grace)
	})
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return err
	}
	return <-stopped
}
