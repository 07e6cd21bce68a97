package openloop

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// maxAnswer is the longest answer, head and body, in bytes.
const maxAnswer = 16 << 10

// conn is one connection. At most one request is under way on it.
type conn struct {
	fd   int
	busy bool
	// due is when the request was, since the load began.
	due time.Duration
	// number of the request, and when it was sent.
	number int
	sent   time.Time
	// in has what came of an answer.
	in   [maxAnswer]byte
	have int
}

var (
	errClosed   = errors.New("the server closed the connection")
	errUnasked  = errors.New("the server sent what nobody asked for")
	errTooLarge = fmt.Errorf("the answer has more than %d bytes", maxAnswer)
)

// read takes what has come. The answer is zero while it is not complete.
func (c *conn) read() (answer, error) {
	n, err := unix.Read(c.fd, c.in[c.have:])
	switch {
	case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
		return answer{}, nil
	case err != nil:
		return answer{}, err
	case n == 0:
		return answer{}, errClosed
	case !c.busy:
		return answer{}, errUnasked
	}
	c.have += n
	a, err := parseAnswer(c.in[:c.have])
	switch {
	case err != nil:
		return answer{}, err
	case a.length != 0 && c.have == a.length:
		c.have = 0
		return a, nil
	case a.length != 0 && c.have > a.length:
		return answer{}, errUnasked
	case c.have == len(c.in):
		return answer{}, errTooLarge
	}
	return answer{}, nil
}

// answer is what matters of an HTTP/1.1 answer: its status, its length with its head, and whether
// the server ends the connection behind it ("Connection: close", RFC 9112 section 9.6).
type answer struct {
	status, length int
	last           bool
}

var endOfHead = []byte("\r\n\r\n")

// parseAnswer is zero while the head is not complete. The length of the body must be in
// Content-Length.
func parseAnswer(data []byte) (answer, error) {
	end := bytes.Index(data, endOfHead)
	if end < 0 {
		return answer{}, nil
	}
	head := data[:end]
	if len(head) < len("HTTP/1.1 200") || !bytes.HasPrefix(head, []byte("HTTP/1.")) {
		return answer{}, fmt.Errorf("no HTTP/1 answer: %q", head)
	}
	var a answer
	var err error
	if a.status, err = strconv.Atoi(string(head[9:12])); err != nil {
		return answer{}, fmt.Errorf("no status: %q", head)
	}
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch value = bytes.TrimSpace(value); {
		case bytes.EqualFold(name, []byte("Content-Length")):
			body, err := strconv.Atoi(string(value))
			if err != nil {
				return answer{}, fmt.Errorf("no length: %q", line)
			}
			a.length = end + len(endOfHead) + body
		case bytes.EqualFold(name, []byte("Connection")):
			a.last = bytes.EqualFold(value, []byte("close"))
		}
	}
	if a.length == 0 {
		return answer{}, fmt.Errorf("an answer without Content-Length: %q", head)
	}
	return a, nil
}
