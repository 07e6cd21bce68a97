package e2e

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/recorder"
)

// startRecorder runs a backend that keeps what it is sent, until the test ends.
func startRecorder(t *testing.T, answer recorder.Answer) *recorder.Recorder {
	t.Helper()
	r, err := recorder.Start(answer)
	require.NoError(t, err)
	t.Cleanup(r.Stop)
	return r
}

// startRecorded is a gateway with one route to a backend that keeps what it is sent.
func startRecorded(t *testing.T, answer recorder.Answer) (*gateway, *recorder.Recorder) {
	t.Helper()
	backend := startRecorder(t, answer)
	g := startGateway(t, simpleFiles(backend.Port()))
	g.await("the route", func() error { return g.answers("http://a.example/", http.StatusOK) })
	_, err := backend.Take()
	require.NoError(t, err)
	return g, backend
}

// answers makes an error of an answer with another status.
func (g *gateway) answers(url string, status int, options ...option) error {
	a, err := g.get(url, options...)
	if err == nil && a.StatusCode != status {
		err = fmt.Errorf("status %d: %s", a.StatusCode, a.body)
	}
	return err
}

// connect opens a raw connection: "http" is plain, "https" TLS with the protocol given in its ALPN.
func (g *gateway) connect(scheme, protocol string) net.Conn {
	g.t.Helper()
	conn, err := net.Dial("tcp", g.address(scheme))
	require.NoError(g.t, err)
	g.t.Cleanup(func() { _ = conn.Close() })
	require.NoError(g.t, conn.SetDeadline(time.Now().Add(patience)))
	if scheme != "https" {
		return conn
	}
	secure := tls.Client(conn, &tls.Config{ServerName: "a.example", InsecureSkipVerify: true, NextProtos: []string{protocol}}) //nolint:gosec // whose certificate it is does not matter
	require.NoError(g.t, secure.Handshake())
	return secure
}

// rawAnswer is an answer of HTTP/1.
type rawAnswer struct {
	*http.Response
	body string
}

// exchange writes bytes to a new connection, and reads answers until the gateway closes it. The bytes must lead to that:
// by what is wrong with them, or by asking for it.
func (g *gateway) exchange(scheme, bytes string) []rawAnswer {
	g.t.Helper()
	conn := g.connect(scheme, "http/1.1")
	defer conn.Close()
	_, err := io.WriteString(conn, bytes)
	require.NoError(g.t, err)
	return g.readAnswers(conn)
}

func (g *gateway) readAnswers(conn net.Conn) []rawAnswer {
	g.t.Helper()
	reader := bufio.NewReader(conn)
	var answers []rawAnswer
	for {
		if _, err := reader.Peek(1); err != nil {
			require.False(g.t, isTimeout(err), "the connection stays open after %d answers", len(answers))
			return answers
		}
		response, err := http.ReadResponse(reader, nil)
		require.NoError(g.t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(g.t, err)
		answers = append(answers, rawAnswer{Response: response, body: string(body)})
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// statuses of answers, as "200 400".
func statuses(answers []rawAnswer) string {
	var all []string
	for _, a := range answers {
		all = append(all, fmt.Sprint(a.StatusCode))
	}
	return strings.Join(all, " ")
}

// inShort lists requests.
func inShort(requests []recorder.Request) []string {
	list := []string{}
	for _, r := range requests {
		list = append(list, r.String())
	}
	return list
}
