package local

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// secret is a manifest of the Secret "certificate" with a new key, and a certificate that fits it or does not.
func secret(t *testing.T, fits bool) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	if !fits {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	encoded := func(kind string, data []byte) string {
		return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}))
	}
	return fmt.Sprintf(`{apiVersion: v1, kind: Secret, metadata: {name: certificate}, type: kubernetes.io/tls,
  data: {tls.crt: %s, tls.key: %s}}`, encoded("CERTIFICATE", certificate), encoded("PRIVATE KEY", private))
}

// presented are the files with certificates and keys that the chaperone of the Gateway "web" reads, by name.
func (r *running) presented() map[string]string {
	r.t.Helper()
	paths, err := filepath.Glob(filepath.Join(r.state.gatewayDir(Key{"default", "web"}), tlsDir, "*.*"))
	require.NoError(r.t, err)
	files := map[string]string{}
	for _, path := range paths {
		if strings.HasPrefix(filepath.Base(path), ".") {
			continue
		}
		data, err := os.ReadFile(path)
		require.NoError(r.t, err)
		files[filepath.Base(path)] = string(data)
	}
	return files
}

func TestABadCertificateLeavesTheLastGoodOneServing(t *testing.T) {
	gateway := fmt.Sprintf(`{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: web}, spec: {gatewayClassName: varnish,
  listeners: [{name: https, port: %s, protocol: HTTPS, tls: {certificateRefs: [{name: certificate}]}}]}}`, freePort(t))
	refs := func(words string) func(shown) bool {
		return func(s shown) bool {
			g := s.gateway("web")
			return g != nil && strings.Contains(report.Find(g.Listeners[0].Conditions, "ResolvedRefs").Message, words)
		}
	}
	path, err := os.MkdirTemp("", "gatewayctl-") // the test's own is too long for sockets
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(path)) })
	state, err := OpenStateDir(path)
	require.NoError(t, err)
	r := startIn(t, state, map[string]string{"gateway.yaml": gateway, "secret.yaml": secret(t, true)})
	r.await("the gateway is programmed", programmed("web"))
	good := r.presented()
	require.Len(t, good, 3, "a certificate, its key, and whose they are")

	r.write("secret.yaml", secret(t, false))
	r.await("the bad one is told of", refs("holds no sound key pair"))
	assert.True(t, refs("its last good certificate serves on")(r.latest()))
	r.await("the gateway is still programmed", programmed("web"))
	assert.Equal(t, good, r.presented())

	r.stop()
	r.state, err = OpenStateDir(path)
	require.NoError(t, err)
	before := r.now()
	r.run(r.dir)
	r.passed("the next run has it too", before, refs("its last good certificate serves on"))
	assert.Equal(t, good, r.presented())

	r.write("secret.yaml", secret(t, true))
	r.await("a good one takes its place", refs("All references are resolved"))
	assert.NotEqual(t, good, r.presented())

	r.remove("secret.yaml")
	r.await("one that is gone is presented no more", refs("does not exist"))
	assert.Empty(t, r.presented())
}
