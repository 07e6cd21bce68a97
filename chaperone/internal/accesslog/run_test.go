package accesslog

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/varnish-gateway/gateway/chaperone/internal/retry"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// lines is an output that tests can look at while it is written.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

// complete gives the lines so far.
func (l *lines) complete() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.all.String()
	return strings.Split(text[:strings.LastIndex(text, "\n")+1], "\n")[:strings.Count(text, "\n")]
}

func (l *lines) await(t testing.TB, what string, enough func([]string) bool) {
	t.Helper()
	varnishtest.Eventually(t, what, func() bool { return enough(l.complete()) })
}

// script gives a program that stands in for varnishncsa.
func script(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "varnishncsa")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700))
	return path
}

// run starts Run, and gives what it returned when the test has ended it.
func run(t testing.TB, options Options) (stop func()) {
	t.Helper()
	if options.Log == nil {
		options.Log = zap.NewNop()
	}
	options.Backoff = retry.Backoff{First: time.Millisecond, Longest: time.Millisecond, Steady: time.Hour}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); Run(ctx, options) }()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return stop
}

func TestRunStartsAgainWhatEnds(t *testing.T) {
	out := &lines{}
	stop := run(t, Options{Program: script(t, "echo started; exit 1"), Format: Common, Out: out})
	out.await(t, "varnishncsa is started three times", func(all []string) bool { return len(all) >= 3 })
	stop()
}

func TestRunPassesItsArguments(t *testing.T) {
	out := &lines{}
	stop := run(t, Options{Program: script(t, `echo "$TZ" "$@"; exec sleep 60`), Dir: "/run/x", Format: Common, Out: out})
	out.await(t, "the arguments", func(all []string) bool { return len(all) == 1 })
	stop()
	assert.Equal(t, []string{"UTC -n /run/x -t off -q " + clientsOnly + " -F " + Common.ncsaFormat()}, out.complete())
}

func TestRunDropsPartsOfLines(t *testing.T) {
	out := &lines{}
	long := strings.Repeat("x", 1000)
	stop := run(t, Options{Format: Common, Out: out, Program: script(t,
		`i=0; while [ $i -lt 300 ]; do printf '`+long+`'; i=$((i+1)); done; echo; echo whole; printf part`)})
	out.await(t, "a second run", func(all []string) bool { return len(all) >= 2 })
	stop()
	for _, line := range out.complete() {
		assert.Equal(t, "whole", line)
	}
}

func TestRunGoesOnWhereNothingCouldBeWritten(t *testing.T) {
	out := &broken{failures: 3}
	run(t, Options{Program: script(t, "while echo line; do :; done"), Format: Common, Out: out})
	out.await(t, "lines, once there is room again", func(all []string) bool { return len(all) > 0 })
}

// broken is an output that fails a few times.
type broken struct {
	lines
	failures int
}

func (b *broken) Write(data []byte) (int, error) {
	if b.failures > 0 {
		b.failures--
		return 0, errors.New("disk full")
	}
	return b.lines.Write(data)
}

func TestRunOffDoesNothing(t *testing.T) {
	Run(context.Background(), Options{Format: Off})
}

func TestParseFormat(t *testing.T) {
	for _, text := range []string{"off", "common", "json"} {
		format, err := ParseFormat(text)
		require.NoError(t, err)
		assert.EqualValues(t, text, format)
	}
	_, err := ParseFormat("xml")
	require.ErrorContains(t, err, `"xml" is none of off, common, json`)
}
