package pod

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"github.com/varnish-gateway/gateway/shared/adminapi"
)

const hostname = "www.example.com"

// writePair writes a certificate for hostname that signs itself, and gives a pool with it.
func writePair(t *testing.T, certFile, keyFile string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{hostname},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file+".tmp", pem.EncodeToMemory(block), 0o600))
		require.NoError(t, os.Rename(file+".tmp", file))
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return pool
}

// ask makes a request to an address on a connection of its own, and gives status and body, or the error as text.
func ask(t *testing.T, pool *x509.CertPool, address string, request *http.Request) string {
	t.Helper()
	client := &http.Client{Timeout: varnishtest.Deadline, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: hostname},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}}
	response, err := client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", response.StatusCode, strings.TrimSpace(string(body)))
}

func get(t *testing.T, pool *x509.CertPool, address, path string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+hostname+path, nil)
	require.NoError(t, err)
	return ask(t, pool, address, request)
}

func TestAPodTerminatesTLSAndDrainsIt(t *testing.T) {
	backend, requests, release := slowBackend(t)
	r := startPod(t, mainVCL(1, "one", backend), "--listen", "http-80", "--listen", "https-443")
	r.ready()
	pool := writePair(t, filepath.Join(r.tls(), "web.crt"), filepath.Join(r.tls(), "web.key"))
	address := r.pod.secure[0].Addr().String()
	varnishtest.Eventually(t, "the pod answers over TLS", func() bool { return get(t, pool, address, "/") == "200 one" })
	r.eventually("nothing is wrong with the certificate", func(s adminapi.Status) bool { return len(s.Certificates.Problems) == 0 })

	answer := make(chan string, 1)
	go func() { answer <- get(t, pool, address, "/slow") }()
	<-requests
	r.stop()
	varnishtest.Eventually(t, "no more connections are taken", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	_, err := net.Dial("tcp", address)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	close(release)
	assert.Equal(t, "200 done", <-answer)
	err = <-r.err
	r.err <- nil
	assert.NoError(t, err)
}

func TestAPodBelievesALoadBalancersPROXYHeader(t *testing.T) {
	r := startPod(t, mainVCL(1, `" + client.ip + "`, noBackend), "--listen", "http-80+proxy")
	r.ready()
	address, err := r.address()
	require.NoError(t, err)
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "PROXY TCP4 192.0.2.7 192.0.2.8 54321 80\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.True(t, strings.HasSuffix(string(answer), "\r\n\r\n192.0.2.7"), "%s", answer)
}

func TestTheAdminAPIIsServedAsSoonAsItsCertificateIsThere(t *testing.T) {
	dir := t.TempDir()
	token, certFile, keyFile := filepath.Join(dir, "token"), filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	require.NoError(t, os.WriteFile(token, []byte("secret"), 0o600))
	r := startPod(t, mainVCL(1, "one", noBackend), "--listen", "http-80", "--admin-address", "127.0.0.1:0",
		"--admin-token-file", token, "--admin-cert-file", certFile, "--admin-key-file", keyFile)
	r.ready()
	r.answers("one")
	assert.Nil(t, r.pod.admin.Load(), "clients are served all the same")

	pool := writePair(t, certFile, keyFile)
	varnishtest.Eventually(t, "the admin API is there", func() bool { return r.pod.admin.Load() != nil })
	address := (*r.pod.admin.Load()).String()
	call := func(method, path, authorization, body string) string {
		request, err := http.NewRequestWithContext(t.Context(), method, "https://"+hostname+path, strings.NewReader(body))
		require.NoError(t, err)
		request.Header.Set("Authorization", authorization)
		return ask(t, pool, address, request)
	}
	assert.Contains(t, call(http.MethodGet, "/v1/status", "", ""), "401 ")
	assert.Contains(t, call(http.MethodGet, "/v1/status", "Bearer secret", ""), `"ready":true`)
	assert.Equal(t, `200 {"ok":true}`, call(http.MethodPost, "/v1/vcl/check", "Bearer secret", varnishtest.Synthetic("x")))
	assert.Contains(t, call(http.MethodPost, "/v1/vcl/check", "Bearer secret", "vcl 4.1;"), "No backends")
}
