package admin

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"go.uber.org/goleak"
	"go.uber.org/zap"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

type served struct {
	address string
	board   signalBoard
	ended   chan error
}

func serve(t testing.TB, ctx context.Context, config *tls.Config) served {
	return serveFor(t, ctx, config, defaultTimeouts)
}

func serveFor(t testing.TB, ctx context.Context, config *tls.Config, within timeouts) served {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := served{
		address: listener.Addr().String(),
		board:   signalBoard{status.NewBoard(adminapi.Status{}), make(chan struct{})},
		ended:   make(chan error, 1),
	}
	go func() {
		s.ended <- serveWithin(ctx, listener, Handler(s.board, Calls{Check: compiler, Invalidate: invalidator}, fixed, zap.NewNop()), config, zap.NewNop(), within)
	}()
	return s
}

// writePair writes a certificate for the given subject.
func writePair(t testing.TB, certFile, keyFile, subject string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: subject},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

func TestServeTakesItsCertificateAnew(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	_, err := TLSConfig(certFile, keyFile, zap.NewNop())
	require.ErrorIs(t, err, os.ErrNotExist)

	writePair(t, certFile, keyFile, "one")
	config, err := TLSConfig(certFile, keyFile, zap.NewNop())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	server := serve(t, ctx, config)
	presented := func() string {
		conn, err := tls.Dial("tcp", server.address, &tls.Config{InsecureSkipVerify: true})
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	assert.Equal(t, "one", presented())

	writePair(t, certFile, keyFile, "another")
	assert.Equal(t, "another", presented())

	require.NoError(t, os.WriteFile(keyFile, []byte("broken"), 0o600))
	assert.Equal(t, "another", presented(), "the last good one stays")

	require.NoError(t, os.Remove(certFile))
	assert.Equal(t, "another", presented(), "the last good one stays")
	cancel()
	require.NoError(t, <-server.ended)
}

func TestServeReportsAListenerThatIsClosed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	err = Serve(context.Background(), listener, nil, nil, zap.NewNop())
	require.ErrorContains(t, err, "serve the admin API")
}

func TestAWaitOutlastsTheTimeForReadingARequest(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	within := defaultTimeouts
	within.read = 50 * time.Millisecond
	server := serveFor(t, ctx, nil, within)
	request := func(head string) *bufio.Reader {
		conn, err := net.Dial("tcp", server.address)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = io.WriteString(conn, head+"\r\nHost: pod\r\nAuthorization: Bearer "+secret+"\r\nContent-Length: 0\r\n\r\n")
		require.NoError(t, err)
		return bufio.NewReader(conn)
	}
	waiting := request("GET /v1/status?wait=5m&after=1 HTTP/1.1")
	<-server.board.waits
	// A caller that came later, and whose time for reading is over.
	conn, err := net.Dial("tcp", server.address)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "POST /v1/vcl/check HTTP/1.1\r\nHost: pod\r\nAuthorization: Bearer "+secret+"\r\nContent-Length: 9\r\n\r\n")
	require.NoError(t, err)
	late, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusBadRequest, late.StatusCode)

	server.board.Update(func(s *adminapi.Status) { s.Ready = true })
	response, err := http.ReadResponse(waiting, nil)
	require.NoError(t, err)
	var got adminapi.Status
	require.NoError(t, json.NewDecoder(response.Body).Decode(&got))
	assert.EqualValues(t, 2, got.Revision, "it was told of the change, and not sent away before")
	cancel()
	require.NoError(t, <-server.ended)
}
