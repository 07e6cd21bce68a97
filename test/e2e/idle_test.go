package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/process"
)

// balancersIdle is how many seconds common load balancers keep an idle connection by default.
const balancersIdle = 60

// impatientClass closes what is idle for a second.
const impatientClass = classWithParameters + "  limits: {idleTimeout: 1s}\n"

// keptAlive is a connection on which one request follows another.
type keptAlive struct {
	// ask makes a request and reads its answer.
	ask func() error
	// readEnd returns once the gateway has ended the connection.
	readEnd func() error
}

func (g *gateway) keepAlive(protocol string) keptAlive {
	g.t.Helper()
	scheme, version, _ := strings.Cut(protocol, " ")
	if version == "HTTP/2" {
		return g.keepAliveHTTP2(scheme)
	}
	conn := g.connect(scheme, "http/1.1")
	reader := bufio.NewReader(conn)
	return keptAlive{
		ask: func() error {
			if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"); err != nil {
				return err
			}
			response, err := http.ReadResponse(reader, nil)
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, response.Body)
			return err
		},
		readEnd: func() error {
			if _, err := reader.ReadByte(); !errors.Is(err, io.EOF) {
				return fmt.Errorf("instead of the end came: %w", err)
			}
			return nil
		},
	}
}

func (g *gateway) keepAliveHTTP2(scheme string) keptAlive {
	g.t.Helper()
	c := g.connectHTTP2(scheme)
	return keptAlive{
		ask: func() error {
			if err := c.headers(asked(nil), true); err != nil {
				return err
			}
			c.stream += 2
			if s := c.receive(); s.status != "200" || s.end != "whole" {
				return errors.New(s.String())
			}
			return nil
		},
		readEnd: func() error {
			for {
				if _, err := c.framer.ReadFrame(); isTimeout(err) {
					return err
				} else if err != nil {
					return nil
				}
			}
		},
	}
}

// TestAnIdleConnectionOutlivesThatOfALoadBalancer, so that no request of the balancer meets a
// connection that is just being closed; and the parameter says how long that is.
func TestAnIdleConnectionOutlivesThatOfALoadBalancer(t *testing.T) {
	one := startBackend(t, "one")
	start := func(files map[string]string) *gateway {
		g := startGateway(t, files)
		g.await("the route", func() error { return g.from("one", "http://a.example/") })
		return g
	}
	patient := start(simpleFiles(one.port))
	impatient := simpleFiles(one.port)
	impatient["class.yaml"] = impatientClass
	short := start(impatient)
	for _, protocol := range []string{"http HTTP/1.1", "https HTTP/1.1", "http HTTP/2", "https HTTP/2"} {
		t.Run(protocol, func(t *testing.T) {
			stays, ends := patient.keepAlive(protocol), short.keepAlive(protocol)
			require.NoError(t, stays.ask())
			require.NoError(t, ends.ask())
			require.NoError(t, ends.readEnd(), "the gateway with the parameter ends it")
			require.NoError(t, stays.ask(), "the gateway without it still answers")
		})
	}
	assert.Greater(t, idleSeconds(t, patient), float64(balancersIdle))
	assert.InDelta(t, 1, idleSeconds(t, short), 0)
}

// idleSeconds is the last value of timeout_idle among the arguments of a gateway's varnishd: the one
// that counts.
func idleSeconds(t *testing.T, g *gateway) float64 {
	t.Helper()
	parts, err := g.stack.Parts()
	require.NoError(t, err)
	last := ""
	for _, argument := range process.Arguments(parts.Varnishd) {
		if value, ok := strings.CutPrefix(argument, "timeout_idle="); ok {
			last = value
		}
	}
	seconds, err := strconv.ParseFloat(last, 64)
	require.NoError(t, err)
	return seconds
}
