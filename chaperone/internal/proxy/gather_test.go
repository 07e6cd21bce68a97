package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorded is a connection that keeps what is written to it, write by write.
type recorded struct {
	net.Conn
	writes [][]byte
	err    error
}

func (r *recorded) Write(data []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	r.writes = append(r.writes, append([]byte(nil), data...))
	return len(data), nil
}

func TestWhatIsGatheredGoesOutAsOne(t *testing.T) {
	out := &recorded{}
	conn := &Conn{Conn: out}
	write := func(data string) {
		n, err := conn.Write([]byte(data))
		require.NoError(t, err)
		assert.Equal(t, len(data), n)
	}
	write("at once")
	conn.gather()
	write("one ")
	write("two")
	assert.Len(t, out.writes, 1, "nothing goes out before")
	require.NoError(t, conn.flush())
	write("at once again")
	require.NoError(t, conn.flush(), "nothing is kept")
	assert.Equal(t, [][]byte{[]byte("at once"), []byte("one two"), []byte("at once again")}, out.writes)
	assert.Zero(t, longWrites.lent.Load())
}

func TestMoreThanThereIsRoomForIsWrittenInOrder(t *testing.T) {
	out := &recorded{}
	conn := &Conn{Conn: out}
	conn.gather()
	var want []byte
	for i := range 3 * longPiece / 1000 {
		piece := make([]byte, 1000)
		piece[0] = byte(i)
		want = append(want, piece...)
		_, err := conn.Write(piece)
		require.NoError(t, err)
	}
	whole := make([]byte, 2*longPiece)
	_, err := conn.Write(whole)
	require.NoError(t, err)
	require.NoError(t, conn.flush())
	var got []byte
	for _, data := range out.writes {
		got = append(got, data...)
	}
	assert.True(t, string(append(want, whole...)) == string(got), "every byte in its place")
}

func TestAnErrorOfWhatWasKeptIsTold(t *testing.T) {
	conn := &Conn{Conn: &recorded{err: io.ErrClosedPipe}}
	conn.gather()
	_, err := conn.Write([]byte("kept"))
	require.NoError(t, err)
	require.ErrorIs(t, conn.flush(), io.ErrClosedPipe)
	assert.Zero(t, longWrites.lent.Load(), "its memory is given back")
}

func TestWhatHasNoRoomToBeKeptIsWrittenAtOnce(t *testing.T) {
	var all []*Conn
	for range maxLong {
		conn := &Conn{Conn: &recorded{}}
		conn.gather()
		all = append(all, conn)
	}
	out := &recorded{}
	conn := &Conn{Conn: out}
	conn.gather()
	_, err := conn.Write([]byte("at once"))
	require.NoError(t, err)
	assert.Len(t, out.writes, 1)
	require.NoError(t, conn.flush())
	for _, other := range all {
		require.NoError(t, other.flush())
	}
	assert.Zero(t, longWrites.lent.Load())
}

// TestALongPieceOfTLSIsOneWrite writes as much as is read at once, in every version that there is.
func TestALongPieceOfTLSIsOneWrite(t *testing.T) {
	certificate := selfSigned(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			here, there := net.Pipe()
			defer here.Close()
			defer there.Close()
			out := &recorded{Conn: here}
			below := &Conn{Conn: here}
			server := tls.Server(below, &tls.Config{Certificates: []tls.Certificate{certificate}, MaxVersion: version, DynamicRecordSizingDisabled: true})
			client := tls.Client(there, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // what it says is not looked at
			go func() { _, _ = io.Copy(io.Discard, client) }()
			require.NoError(t, server.Handshake())
			below.Conn = out
			s := &splice{client: server, below: below, writeTimeout: 1 << 40}
			require.NoError(t, s.writeAll(make([]byte, longPiece)))
			require.Len(t, out.writes, 1)
			assert.Greater(t, len(out.writes[0]), longPiece)
			require.NoError(t, s.writeAll(make([]byte, record)))
			assert.Len(t, out.writes, 2, "one record is written as it is")
		})
	}
}

// selfSigned is a certificate of nobody's.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
