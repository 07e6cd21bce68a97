package echo

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Behaviour is how an answer is given. The zero value is a plain 200.
type Behaviour struct {
	// Delay before the answer.
	Delay time.Duration
	// Status of the answer; 200 where it is 0.
	Status int
	// Size of the body in bytes, which is then filler; 0 for the JSON of the request.
	Size int
	// Chunked leaves the Content-Length out.
	Chunked bool
	// Truncate breaks the connection in the middle of the body.
	Truncate bool
	// Close ends the connection after the answer.
	Close bool
}

// maxSize keeps a typing error from filling the memory.
const maxSize = 1 << 30

// with is the behaviour that a request asks for: headers X-Echo-Delay, -Status, -Size, -Chunked, -Truncate and
// -Close.
func (b Behaviour) with(headers http.Header) (Behaviour, error) {
	var err error
	read := func(name string, take func(string) error) {
		if value := headers.Get(name); value != "" && err == nil {
			if problem := take(value); problem != nil {
				err = fmt.Errorf("%s: %w", name, problem)
			}
		}
	}
	read("X-Echo-Delay", func(v string) (e error) { b.Delay, e = time.ParseDuration(v); return })
	read("X-Echo-Status", func(v string) (e error) { b.Status, e = strconv.Atoi(v); return })
	read("X-Echo-Size", func(v string) (e error) { b.Size, e = strconv.Atoi(v); return })
	read("X-Echo-Chunked", func(v string) (e error) { b.Chunked, e = strconv.ParseBool(v); return })
	read("X-Echo-Truncate", func(v string) (e error) { b.Truncate, e = strconv.ParseBool(v); return })
	read("X-Echo-Close", func(v string) (e error) { b.Close, e = strconv.ParseBool(v); return })
	if err == nil {
		err = b.check()
	}
	return b, err
}

func (b Behaviour) check() error {
	switch {
	case b.Status != 0 && (b.Status < 200 || b.Status > 599):
		return fmt.Errorf("status %d is not between 200 and 599", b.Status)
	case b.Size < 0 || b.Size > maxSize:
		return fmt.Errorf("size %d is not between 0 and %d", b.Size, maxSize)
	}
	return nil
}

func (b Behaviour) answer(ctx context.Context, w http.ResponseWriter, body []byte) {
	select {
	case <-time.After(b.Delay):
	case <-ctx.Done():
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	if b.Size > 0 {
		body = bytes.Repeat([]byte("x"), b.Size)
		w.Header().Set("Content-Type", "text/plain")
	}
	if b.Close {
		w.Header().Set("Connection", "close")
	}
	if !b.Chunked {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	if b.Status != 0 {
		w.WriteHeader(b.Status)
	}
	half := len(body) / 2
	b.write(w, body[:half])
	if b.Truncate {
		panic(http.ErrAbortHandler)
	}
	b.write(w, body[half:])
}

// write sends a part of the body at once where its length is not known, or will not be kept.
func (b Behaviour) write(w http.ResponseWriter, part []byte) {
	if _, err := w.Write(part); err != nil {
		return // the client is gone, or the status has no body
	}
	if b.Chunked || b.Truncate {
		_ = http.NewResponseController(w).Flush()
	}
}
