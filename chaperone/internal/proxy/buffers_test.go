package proxy

import (
	"io"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unixPair gives both ends of a connection that holds more than a long piece.
func unixPair(t *testing.T) (here, there *net.UnixConn) {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	require.NoError(t, err)
	defer listener.Close()
	here, err = net.DialUnix("unix", nil, listener.Addr().(*net.UnixAddr))
	require.NoError(t, err)
	there, err = listener.AcceptUnix()
	require.NoError(t, err)
	require.NoError(t, there.SetWriteBuffer(8*longPiece))
	t.Cleanup(func() { _, _ = here.Close(), there.Close() })
	return here, there
}

func TestAnAnswerThatGoesOnIsReadInLongerPieces(t *testing.T) {
	for name, c := range map[string]struct {
		lent int64
		want []int
	}{
		"there is memory":           {0, []int{record, longPiece, longPiece, 1000}},
		"others have all that is":   {maxLong, []int{record, record, record, record}},
		"one may have a long piece": {maxLong - 1, []int{record, longPiece, longPiece, 1000}},
	} {
		t.Run(name, func(t *testing.T) {
			longReads.lent.Store(c.lent)
			defer longReads.lent.Store(0)
			here, there := unixPair(t)
			_, err := there.Write(make([]byte, record+2*longPiece+1000))
			require.NoError(t, err)
			require.NoError(t, there.CloseWrite())
			from, err := newFromVarnishd(here)
			require.NoError(t, err)
			for _, want := range c.want {
				data, err := from.next()
				require.NoError(t, err)
				assert.Len(t, data, want)
			}
			rest := 0
			for err == nil {
				var data []byte
				data, err = from.next()
				rest += len(data)
			}
			require.ErrorIs(t, err, io.EOF)
			from.release()
			assert.Equal(t, c.lent, longReads.lent.Load(), "what was lent is back")
			assert.Zero(t, buffers.lent.Load())
		})
	}
}

func TestAShortAnswerTakesOneBlock(t *testing.T) {
	here, there := unixPair(t)
	from, err := newFromVarnishd(here)
	require.NoError(t, err)
	for range 3 {
		_, err = there.Write(make([]byte, 100))
		require.NoError(t, err)
		data, err := from.next()
		require.NoError(t, err)
		assert.Len(t, data, 100)
		assert.Zero(t, longReads.lent.Load())
	}
	from.release()
}
