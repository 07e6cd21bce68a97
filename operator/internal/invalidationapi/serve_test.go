package invalidationapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// get asks until there is an answer.
func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	var body string
	require.Eventually(t, func() bool {
		response, err := client.Get(url)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		data, err := io.ReadAll(response.Body)
		body = string(data)
		return err == nil
	}, 30*time.Second, 20*time.Millisecond)
	return body
}

func TestTheServerServesPlainAndWithTLSAndEnds(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	credential, err := workload.NewCredential(time.Now())
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(credential.Certificate))
	for url, options := range map[string]Options{
		"http://127.0.31.60:8082/":  {Address: "127.0.31.60:8082"},
		"https://127.0.31.61:8082/": {Address: "127.0.31.61:8082", CertFile: cert, KeyFile: key},
	} {
		t.Run(url, func(t *testing.T) {
			handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "it is served") })
			server := NewServer(options, handler, zap.NewNop())
			assert.False(t, server.NeedLeaderElection())
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- server.Start(ctx) }()
			// A certificate that comes later is waited for.
			require.NoError(t, os.WriteFile(cert, credential.Certificate, 0o600))
			require.NoError(t, os.WriteFile(key, credential.Key, 0o600))
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, InsecureSkipVerify: true}}
			assert.Equal(t, "it is served", get(t, &http.Client{Transport: transport}, url))
			transport.CloseIdleConnections()
			cancel()
			assert.NoError(t, <-ended)
		})
	}
}
