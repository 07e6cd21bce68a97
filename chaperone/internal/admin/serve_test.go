package admin

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/varnish-gateway/gateway/chaperone/internal/status"
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
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := served{
		address: listener.Addr().String(),
		board:   signalBoard{status.NewBoard(status.Status{}), make(chan struct{})},
		ended:   make(chan error, 1),
	}
	go func() {
		s.ended <- Serve(ctx, listener, Handler(s.board, compiler, fixed, zap.NewNop()), config, zap.NewNop())
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
