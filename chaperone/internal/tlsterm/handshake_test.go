package tlsterm

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/varnish-gateway/gateway/chaperone/internal/proxy"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// subjectFor makes a handshake and gives the subject of the certificate that was presented.
func subjectFor(address string, config *tls.Config) (string, error) {
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: deadline}, Config: config}
	conn, err := dialer.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

// asking is a client's configuration that believes every certificate.
func asking(name string) *tls.Config {
	return &tls.Config{ServerName: name, InsecureSkipVerify: true}
}

func TestHandshakePresentsTheListenersCertificate(t *testing.T) {
	ca := newAuthority(t)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	pairs := map[string]Pair{
		"www-ecdsa": ca.issue(t, ecdsaKey(), "www-ecdsa", "www.example.com"),
		"www-rsa":   ca.issue(t, rsaKey(), "www-rsa", "www.example.com"),
		"wild":      ca.issue(t, ecdsaKey(), "wild", "*.example.com"),
		"foreign":   ca.issue(t, ecdsaKey(), "foreign", "somewhere.else"),
		"edwards":   ca.issue(t, crypto.Signer(edwards), "edwards", "ed.example.com"),
	}
	named := []routing.Listener{
		https("www", "www.example.com", "www-ecdsa", "www-rsa"),
		https("wild", "*.example.com", "wild"),
		https("foreign", "foreign.example.com", "foreign", "wild"),
		https("ed", "ed.example.com", "edwards"),
		https("none", "none.example.com", "absent"),
	}
	hostless := append(named, https("rest", "", "foreign"))
	rsaOnly := asking("www.example.com")
	rsaOnly.MaxVersion = tls.VersionTLS12
	rsaOnly.CipherSuites = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	rsaNothing := rsaOnly.Clone()
	rsaNothing.ServerName = "a.example.com"
	old := asking("www.example.com")
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11

	tests := map[string]struct {
		listeners []routing.Listener
		client    *tls.Config
		want      string
		alert     string
		result    proxy.Result
	}{
		"the first certificate that the client can use":         {named, asking("www.example.com"), "www-ecdsa", "", proxy.HandshakeDone},
		"a client that knows RSA alone gets the RSA one":        {named, rsaOnly, "www-rsa", "", proxy.HandshakeDone},
		"a name under the wildcard":                             {named, asking("a.example.com"), "wild", "", proxy.HandshakeDone},
		"what a certificate is valid for does not matter":       {named, asking("foreign.example.com"), "foreign", "", proxy.HandshakeDone},
		"no name gets the first certificate of the port":        {named, asking(""), "www-ecdsa", "", proxy.HandshakeDone},
		"no name gets the hostless listener's":                  {hostless, asking(""), "foreign", "", proxy.HandshakeDone},
		"an uncovered name gets the hostless listener's":        {hostless, asking("other.test"), "foreign", "", proxy.HandshakeDone},
		"an uncovered name is refused without one":              {named, asking("other.test"), "", "unrecognized name", HandshakeUnknownName},
		"a listener without certificate fails, and no other":    {hostless, asking("none.example.com"), "", "internal error", HandshakeNoCertificate},
		"a certificate that the client cannot use fails":        {named, rsaNothing, "", "handshake failure", proxy.HandshakeFailed},
		"TLS 1.1 is refused":                                    {named, old, "", "protocol version", proxy.HandshakeFailed},
		"no listener at all":                                    {nil, asking("www.example.com"), "", "internal error", HandshakeNoCertificate},
		"a certificate of another kind serves who can use it":   {named, asking("ed.example.com"), "edwards", "", proxy.HandshakeDone},
		"an address is no name, and gets the first of the port": {named, &tls.Config{ServerName: "127.0.0.1", InsecureSkipVerify: true}, "www-ecdsa", "", proxy.HandshakeDone},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			term := startTerminal(t, proxy.Options{}, false)
			startVarnishd(t, term.path, echo)
			term.Update(test.listeners, pairs)
			got, err := subjectFor(term.address, test.client)
			if test.alert != "" {
				require.ErrorContains(t, err, test.alert)
			} else {
				require.NoError(t, err)
				assert.Equal(t, test.want, got)
			}
			require.Eventually(t, func() bool { return term.Stats().Handshakes[test.result] == 1 }, deadline, time.Millisecond)
		})
	}
}

func TestHandshakeNegotiatesTheProtocol(t *testing.T) {
	term := startTerminal(t, proxy.Options{}, false)
	startVarnishd(t, term.path, echo)
	term.Update([]routing.Listener{https("a", "", "c")}, map[string]Pair{"c": newAuthority(t).issue(t, ecdsaKey(), "c")})
	tests := map[string]struct {
		offer []string
		want  string
		alert string
	}{
		"h2 is preferred":                    {[]string{"http/1.1", "h2"}, "h2", ""},
		"HTTP/1.1 alone":                     {[]string{"http/1.1"}, "http/1.1", ""},
		"none is offered":                    {nil, "", ""},
		"nothing in common is said to be so": {[]string{"spdy/3"}, "", "no application protocol"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			config := asking("www.example.com")
			config.NextProtos = test.offer
			conn, err := tls.Dial("tcp", term.address, config)
			if test.alert != "" {
				require.ErrorContains(t, err, test.alert)
				return
			}
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			assert.Equal(t, test.want, conn.ConnectionState().NegotiatedProtocol)
		})
	}
}

func TestCertificatesAreSwappedUnderLoad(t *testing.T) {
	ca := newAuthority(t)
	first, second := ca.issue(t, ecdsaKey(), "first", "www.example.com"), ca.issue(t, rsaKey(), "second", "www.example.com")
	broken := Pair{Certificate: second.Certificate, Key: first.Key}
	listeners := []routing.Listener{https("www", "www.example.com", "c")}
	term := startTerminal(t, proxy.Options{}, false)
	startVarnishd(t, term.path, echo)
	term.Update(listeners, map[string]Pair{"c": first})

	before, err := tls.Dial("tcp", term.address, asking("www.example.com"))
	require.NoError(t, err)
	defer func() { _ = before.Close() }()

	ctx, cancel := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				_, err := subjectFor(term.address, &tls.Config{ServerName: "www.example.com", RootCAs: ca.pool})
				assert.NoError(t, err)
			}
		})
	}
	for range 50 {
		require.Empty(t, term.Update(listeners, map[string]Pair{"c": second}))
		require.Len(t, term.Update(listeners, map[string]Pair{"c": broken}), 1)
		require.Empty(t, term.Update(listeners, map[string]Pair{"c": first}))
	}
	require.Empty(t, term.Update(listeners, map[string]Pair{"c": second}))
	cancel()
	clients.Wait()

	got, err := subjectFor(term.address, asking("www.example.com"))
	require.NoError(t, err)
	assert.Equal(t, "second", got)
	assertEcho(t, before, "the connection from before the swaps")
}

func TestSessionsResume(t *testing.T) {
	ca := newAuthority(t)
	listeners := []routing.Listener{https("www", "www.example.com", "c"), https("api", "api.example.com", "c")}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			term := startTerminal(t, proxy.Options{}, false)
			startVarnishd(t, term.path, echo)
			cache := &anyNameCache{}
			client := func(name string) *tls.Config {
				config := asking(name)
				config.MaxVersion, config.ClientSessionCache = version, cache
				return config
			}
			resumes := func(name string) bool {
				conn, err := tls.Dial("tcp", term.address, client(name))
				require.NoError(t, err)
				defer func() { _ = conn.Close() }()
				// The ticket of TLS 1.3 comes after the handshake.
				assertEcho(t, conn, "hello")
				return conn.ConnectionState().DidResume
			}
			term.Update(listeners, map[string]Pair{"c": ca.issue(t, ecdsaKey(), "one")})
			assert.False(t, resumes("www.example.com"))
			assert.True(t, resumes("www.example.com"), "the same listener")

			term.Update(listeners, map[string]Pair{"c": ca.issue(t, ecdsaKey(), "two")})
			assert.True(t, resumes("www.example.com"), "after the certificate was replaced")
			assert.False(t, resumes("api.example.com"), "another listener")

			_, err := tls.Dial("tcp", term.address, client("other.test"))
			assert.ErrorContains(t, err, "unrecognized name")
		})
	}
}

// anyNameCache offers the newest session to every server name, as a client that means harm would.
type anyNameCache struct {
	mu      sync.Mutex
	session *tls.ClientSessionState
}

func (c *anyNameCache) Get(string) (*tls.ClientSessionState, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session, c.session != nil
}

func (c *anyNameCache) Put(_ string, session *tls.ClientSessionState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = session
}

func TestSilentClients(t *testing.T) {
	ca := newAuthority(t)
	listeners, pairs := []routing.Listener{https("www", "", "c")}, map[string]Pair{"c": ca.issue(t, ecdsaKey(), "c")}

	t.Run("are disconnected after the handshake timeout", func(t *testing.T) {
		term := startTerminal(t, proxy.Options{HandshakeTimeout: 10 * time.Millisecond}, false)
		conn, err := net.Dial("tcp", term.address)
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
		_, err = conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.Eventually(t, func() bool { return term.Stats().Handshakes[proxy.HandshakeTimeout] == 1 }, deadline, time.Millisecond)
	})

	t.Run("give way to those who speak", func(t *testing.T) {
		term := startTerminal(t, proxy.Options{MaxHandshakes: 2}, false)
		startVarnishd(t, term.path, echo)
		term.Update(listeners, pairs)
		var silent []net.Conn
		for i := range 2 {
			conn, err := net.Dial("tcp", term.address)
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			silent = append(silent, conn)
			require.Eventually(t, func() bool { return term.Stats().Pending == i+1 }, deadline, time.Millisecond)
		}
		_, err := subjectFor(term.address, asking("www.example.com"))
		require.NoError(t, err)
		_, err = silent[0].Read(make([]byte, 1))
		require.Error(t, err, "the oldest gave way")
		require.Eventually(t, func() bool { return term.Stats().Handshakes[proxy.HandshakeGaveWay] == 1 }, deadline, time.Millisecond)
		require.Eventually(t, func() bool { return term.Stats().Pending == 1 }, deadline, time.Millisecond, "the other still waits")
	})
}

func TestPlainHTTPIsToldSo(t *testing.T) {
	term := startTerminal(t, proxy.Options{}, false)
	conn, err := net.Dial("tcp", term.address)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusBadRequest, response.StatusCode)
	assert.Equal(t, "This port speaks HTTPS alone.\n", string(body))
}

// assertEcho says something and expects to hear it back.
func assertEcho(t testing.TB, conn net.Conn, text string) {
	t.Helper()
	require.NoError(t, conn.SetDeadline(time.Now().Add(deadline)))
	_, err := io.WriteString(conn, text)
	require.NoError(t, err)
	heard := make([]byte, len(text))
	_, err = io.ReadFull(conn, heard)
	require.NoError(t, err)
	assert.Equal(t, text, string(heard))
}
