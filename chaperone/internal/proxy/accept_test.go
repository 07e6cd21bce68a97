package proxy

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// flakyListener fails a few times before it gives a connection, then says that it is closed.
type flakyListener struct {
	net.Listener
	errors []error
}

func (f *flakyListener) Accept() (net.Conn, error) {
	if len(f.errors) == 0 {
		return nil, net.ErrClosed
	}
	err := f.errors[0]
	f.errors = f.errors[1:]
	if err != nil {
		return nil, err
	}
	conn, _ := net.Pipe()
	return conn, nil
}

func TestAcceptSurvivesWhatPasses(t *testing.T) {
	listener := &flakyListener{errors: []error{syscall.EMFILE, syscall.ECONNABORTED, nil, errors.New("odd"), nil}}
	accepted := 0
	err := accept(context.Background(), listener, func(conn net.Conn) {
		accepted++
		_ = conn.Close()
	})
	require.ErrorIs(t, err, net.ErrClosed)
	assert.Equal(t, 2, accepted)
}

func TestDialGivesUpAtOnceWhereWaitingCannotHelp(t *testing.T) {
	d := dialer{timeout: time.Hour, pause: time.Hour}
	_, err := d.dial(context.Background(), filepath.Join(t.TempDir(), string(make([]byte, 200))), nil)
	require.ErrorContains(t, err, "connect to varnishd")
}
