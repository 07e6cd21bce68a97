// Package recorder is a backend that keeps what it is sent, and answers with bytes that a test chooses. It reads as
// strictly as net/http does: what it cannot read is kept as a fault, because a gateway must not send it.
package recorder

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Request is one that arrived.
type Request struct {
	Method, Target, Host string
	Header               http.Header
	Body                 string
}

// String is the request in short: method, target and body.
func (r Request) String() string {
	return strings.TrimSpace(r.Method + " " + r.Target + " " + r.Body)
}

// Answer makes the bytes of the answer to a request; the connection is closed after an answer where keep is false.
type Answer func(Request) (bytes string, keep bool)

// Short answers 200 with the request in short.
func Short(r Request) (string, bool) {
	body := r.String()
	if r.Method == http.MethodHead {
		body = ""
	}
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(r.String()), body), true
}

// Recorder is a running backend.
type Recorder struct {
	listener net.Listener
	answer   Answer
	serving  sync.WaitGroup

	mu       sync.Mutex
	requests []Request
	faults   []error
	open     map[net.Conn]struct{}
}

// Start listens on a free port of the loopback. A nil answer is Short.
func Start(answer Answer) (*Recorder, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if answer == nil {
		answer = Short
	}
	r := &Recorder{listener: l, answer: answer, open: map[net.Conn]struct{}{}}
	r.serving.Go(r.accept)
	return r, nil
}

// Port that it listens on.
func (r *Recorder) Port() int { return r.listener.Addr().(*net.TCPAddr).Port }

// Stop ends it with all of its connections.
func (r *Recorder) Stop() {
	_ = r.listener.Close()
	r.mu.Lock()
	for conn := range r.open {
		_ = conn.Close()
	}
	r.mu.Unlock()
	r.serving.Wait()
}

// Take gives the requests and faults since the last call.
func (r *Recorder) Take() ([]Request, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	requests, faults := r.requests, r.faults
	r.requests, r.faults = nil, nil
	return requests, errors.Join(faults...)
}

// Seen is what arrived so far, not taken away.
func (r *Recorder) Seen() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

func (r *Recorder) accept() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return // stopped
		}
		r.mu.Lock()
		r.open[conn] = struct{}{}
		r.mu.Unlock()
		r.serving.Go(func() {
			defer r.forget(conn)
			r.serve(conn)
		})
	}
}

func (r *Recorder) forget(conn net.Conn) {
	_ = conn.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, conn)
}

func (r *Recorder) serve(conn net.Conn) {
	reader := bufio.NewReader(conn)
	for {
		if _, err := reader.Peek(1); err != nil {
			return // closed between two requests
		}
		request, err := http.ReadRequest(reader)
		if err != nil {
			r.fault(fmt.Errorf("reading a request: %w", err))
			return
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return // the client went away in the middle, and so the gateway did
		}
		seen := Request{Method: request.Method, Target: request.RequestURI, Host: request.Host, Header: request.Header, Body: string(body)}
		r.mu.Lock()
		r.requests = append(r.requests, seen)
		r.mu.Unlock()
		bytes, keep := r.answer(seen)
		if _, err := io.WriteString(conn, bytes); err != nil || !keep {
			return
		}
	}
}

func (r *Recorder) fault(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, err)
}
