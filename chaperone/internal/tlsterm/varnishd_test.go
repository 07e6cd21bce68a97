package tlsterm

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/varnish-gateway/gateway/chaperone/internal/proxy"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// telling answers with what varnishd knows of the client, and with the body that it was sent.
const telling = `vcl 4.1;
import proxy;
import std;
backend default none;
sub vcl_recv {
	std.cache_req_body(1MB);
	return (synth(200));
}
sub vcl_synth {
	set resp.http.client = client.ip;
	set resp.http.server-port = std.port(server.ip);
	set resp.http.socket = local.socket;
	set resp.http.alpn = proxy.alpn();
	set resp.http.authority = proxy.authority();
	set resp.http.tls = proxy.is_ssl();
	set resp.http.version = proxy.ssl_version();
	set resp.http.cipher = proxy.ssl_cipher();
	set resp.http.transport = req.transport;
	set resp.body = req.url;
	return (deliver);
}
`

func TestRealVarnishd(t *testing.T) {
	ca := newAuthority(t)
	term := startTerminal(t, proxy.Options{DialTimeout: varnishtest.Deadline}, false)
	varnishtest.Start(t, telling, "-a", socketKey.Name()+"="+term.path+",PROXY", "-p", "feature=+http2")
	longest := strings.Repeat(strings.Repeat("a", 61)+".", 4) + "test"
	require.Empty(t, term.Update([]routing.Listener{https("a", "", "c")},
		map[string]Pair{"c": ca.issue(t, ecdsaKey(), "c", "www.example.com", longest)}))

	tests := map[string]struct {
		http2      bool
		name       string
		protocol   string
		alpn       string
		transport  string
		maxVersion uint16
		version    string
	}{
		"HTTP/1.1 over TLS 1.3":                    {false, "www.example.com", "HTTP/1.1", "http/1.1", "HTTP/1", tls.VersionTLS13, "TLSv1.3"},
		"HTTP/1.1 over TLS 1.2":                    {false, "www.example.com", "HTTP/1.1", "http/1.1", "HTTP/1", tls.VersionTLS12, "TLSv1.2"},
		"h2 over TLS 1.3":                          {true, "www.example.com", "HTTP/2.0", "h2", "HTTP/2", tls.VersionTLS13, "TLSv1.3"},
		"h2 over TLS 1.2":                          {true, "www.example.com", "HTTP/2.0", "h2", "HTTP/2", tls.VersionTLS12, "TLSv1.2"},
		"the longest name fits varnishd's session": {true, longest, "HTTP/2.0", "h2", "HTTP/2", tls.VersionTLS13, "TLSv1.3"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := clientOf(t, term, &tls.Config{RootCAs: ca.pool, MaxVersion: test.maxVersion}, test.http2)
			for i := range 3 {
				response, err := client.Post(fmt.Sprintf("https://%s/%d", test.name, i), "text/plain",
					bytes.NewReader(make([]byte, 100<<10)))
				require.NoError(t, err)
				body, err := io.ReadAll(response.Body)
				require.NoError(t, err)
				require.NoError(t, response.Body.Close())
				require.Equal(t, http.StatusOK, response.StatusCode)
				assert.Equal(t, test.protocol, response.Proto)
				assert.Equal(t, fmt.Sprintf("/%d", i), string(body))
				assert.Equal(t, map[string]string{
					"Client": "127.0.0.1", "Server-Port": "443", "Socket": socketKey.Name(), "Alpn": test.alpn,
					"Authority": test.name, "Tls": "true", "Version": test.version, "Transport": test.transport,
				}, headersOf(response, "Client", "Server-Port", "Socket", "Alpn", "Authority", "Tls", "Version", "Transport"))
				assert.NotEmpty(t, response.Header.Get("Cipher"))
			}
		})
	}
	eventuallyEmpty(t, term)
}

// clientOf gives a client that connects to the terminal, whatever the URL says.
func clientOf(t *testing.T, term *terminal, config *tls.Config, http2 bool) *http.Client {
	config.NextProtos = []string{"http/1.1"}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	transport := &http.Transport{
		TLSClientConfig: config,
		Protocols:       protocols,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, term.address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: deadline}
}

func headersOf(response *http.Response, names ...string) map[string]string {
	headers := map[string]string{}
	for _, name := range names {
		headers[name] = response.Header.Get(name)
	}
	return headers
}
