package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// caseHeader names the exchange to the origin.
const caseHeader = "X-Case"

// exchange is a request, and what a backend answers.
type exchange struct {
	name           string
	method, target string
	// version of the request, 1.1 where it is empty.
	version string
	header  []field
	body    string
	chunked bool
	// answer is what the backend writes, in pieces. Behind each but the last it waits until the client
	// has the head and as many bytes of the body as steps say.
	answer []string
	steps  []int
	// closes says that the backend closes the connection behind its answer.
	closes bool
	// onlyHTTP1 is for what HTTP/2 cannot say.
	onlyHTTP1 bool
}

// outcome is what came of an exchange.
type outcome struct {
	// isAnswered is whether there was the head of a final answer.
	isAnswered     bool
	interim        []int
	status         int
	reason         string
	fields         map[string][]string
	trailers       map[string][]string
	body           string
	isWhole        bool
	request        request
	requestArrived bool
}

// request is one as it arrived at the backend.
type request struct {
	method, target, host, version string
	fields                        map[string][]string
	body                          string
}

// scripted is a backend that answers each exchange as it says.
type scripted struct {
	listener  net.Listener
	exchanges []exchange
	serving   sync.WaitGroup
	// proceed lets the next piece of an answer go.
	proceed chan struct{}

	mu   sync.Mutex
	seen *request
}

func startScripted(t *testing.T, exchanges []exchange) *scripted {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	o := &scripted{listener: l, exchanges: exchanges, proceed: make(chan struct{}, 64)}
	o.serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // stopped
			}
			o.serving.Go(func() { o.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		o.serving.Wait()
	})
	return o
}

func (o *scripted) port() int { return o.listener.Addr().(*net.TCPAddr).Port }

// take gives the last request, and forgets it.
func (o *scripted) take() (request, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := o.seen
	o.seen = nil
	if seen == nil {
		return request{}, false
	}
	return *seen, true
}

// serve answers the requests on a connection.
func (o *scripted) serve(conn net.Conn) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for {
		_ = conn.SetDeadline(time.Now().Add(patience))
		seen, err := readRequest(reader)
		if err != nil {
			return
		}
		e := exchange{answer: []string{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}}
		if number := seen.fields[strings.ToLower(caseHeader)]; len(number) == 1 {
			if at, err := strconv.Atoi(number[0]); err == nil && at < len(o.exchanges) {
				e = o.exchanges[at]
				o.mu.Lock()
				o.seen = &seen
				o.mu.Unlock()
			}
		}
		for i, piece := range e.answer {
			if i > 0 {
				select {
				case <-o.proceed:
				case <-time.After(patience):
					return
				}
			}
			if _, err := io.WriteString(conn, piece); err != nil {
				return
			}
		}
		if e.closes {
			return
		}
	}
}

// readRequest reads a request with any target; net/http does not take every one.
func readRequest(reader *bufio.Reader) (request, error) {
	line, err := reader.ReadString('\n')
	if err != nil {
		return request{}, err
	}
	parts := strings.Fields(line)
	if len(parts) != 3 {
		return request{}, fmt.Errorf("the line of a request is %q", line)
	}
	// What is read ahead of the request stays in the buffer that the next one comes from.
	rest := bufio.NewReaderSize(io.MultiReader(strings.NewReader(parts[0]+" / "+parts[2]+"\r\n"), oneByOne{reader}), 16)
	r, err := http.ReadRequest(rest)
	if err != nil {
		return request{}, err
	}
	body, err := io.ReadAll(r.Body)
	return request{method: r.Method, target: parts[1], host: r.Host, version: r.Proto, fields: lower(r.Header), body: string(body)}, err
}

// oneByOne gives a byte at a time, so that who buffers it takes no more than it reads.
type oneByOne struct{ io.Reader }

func (r oneByOne) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return r.Reader.Read(p[:1])
}

func lower(header http.Header) map[string][]string {
	fields := map[string][]string{}
	for name, values := range header {
		fields[strings.ToLower(name)] = append(fields[strings.ToLower(name)], values...)
	}
	return fields
}
