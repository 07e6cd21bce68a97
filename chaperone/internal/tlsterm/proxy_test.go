package tlsterm

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	wire "github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/varnish-gateway/gateway/chaperone/internal/proxy"
)

func TestAddressesOfALoadBalancerTravelOn(t *testing.T) {
	tcp := func(text string) *net.TCPAddr {
		addr, err := net.ResolveTCPAddr("tcp", text)
		require.NoError(t, err)
		return addr
	}
	proxied := func(version byte, family wire.AddressFamilyAndProtocol, from, to string) *wire.Header {
		return &wire.Header{Version: version, Command: wire.PROXY, TransportProtocol: family,
			SourceAddr: tcp(from), DestinationAddr: tcp(to)}
	}
	tests := map[string]struct {
		header *wire.Header
		// client and server as varnishd is told; an empty client is the load balancer itself.
		client, server string
	}{
		"version 1, IPv4": {proxied(1, wire.TCPv4, "192.0.2.7:1234", "198.51.100.1:8443"), "192.0.2.7:1234", "198.51.100.1:443"},
		"version 2, IPv4": {proxied(2, wire.TCPv4, "192.0.2.7:1234", "198.51.100.1:443"), "192.0.2.7:1234", "198.51.100.1:443"},
		"version 2, IPv6": {proxied(2, wire.TCPv6, "[2001:db8::7]:1234", "[2001:db8::1]:443"), "[2001:db8::7]:1234", "[2001:db8::1]:443"},
		"a health check of the load balancer's own": {&wire.Header{Version: 2, Command: wire.LOCAL, TransportProtocol: wire.UNSPEC}, "", "127.0.0.1:443"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			term := startPresenting(t, proxy.Options{}, true)
			headers := make(chan *wire.Header, 1)
			startVarnishd(t, term.path, func(header *wire.Header, reader *bufio.Reader, conn *net.UnixConn) {
				headers <- header
				echo(header, reader, conn)
			})
			balancer, err := net.Dial("tcp", term.address)
			require.NoError(t, err)
			defer func() { _ = balancer.Close() }()
			_, err = test.header.WriteTo(balancer)
			require.NoError(t, err)
			client := tls.Client(balancer, asking("www.example.com"))
			assertEcho(t, client, "through the balancer")

			if test.client == "" {
				test.client = balancer.LocalAddr().String()
			}
			header := <-headers
			assert.Equal(t, test.client, header.SourceAddr.String())
			assert.Equal(t, test.server, header.DestinationAddr.String())
		})
	}
}

func TestConnectionsWithoutTheirPreambleAreRefused(t *testing.T) {
	tests := map[string]struct {
		start  string
		result proxy.Result
	}{
		"TLS without preamble":       {"\x16\x03\x01\x00\x05hello", proxy.HandshakeNoPreamble},
		"HTTP without preamble":      {"GET / HTTP/1.1\r\n\r\n", proxy.HandshakeNoPreamble},
		"a broken preamble":          {"PROXY TCP4 192.0.2.7\r\n", proxy.HandshakeFailed},
		"a preamble of datagrams":    {"\r\n\r\n\x00\r\nQUIT\n\x21\x12\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x01\xbb", proxy.HandshakeFailed},
		"a preamble of unknown kind": {"\r\n\r\n\x00\r\nQUIT\n\x29\x11\x00\x00", proxy.HandshakeFailed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			term := startPresenting(t, proxy.Options{}, true)
			conn, err := net.Dial("tcp", term.address)
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			_, err = io.WriteString(conn, test.start)
			require.NoError(t, err)
			require.NoError(t, conn.SetDeadline(time.Now().Add(deadline)))
			_, err = io.Copy(io.Discard, conn)
			if err != nil {
				require.NotErrorIs(t, err, io.EOF)
			}
			eventuallyEmpty(t, term)
			assert.EqualValues(t, 1, term.Stats().Handshakes[test.result])
		})
	}
}

func TestPreambleThatNeverComesIsATimeout(t *testing.T) {
	term := startPresenting(t, proxy.Options{HandshakeTimeout: 10 * time.Millisecond}, true)
	conn, err := net.Dial("tcp", term.address)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, _ = conn.Read(make([]byte, 1))
	eventuallyEmpty(t, term)
	stats := term.Stats()
	assert.EqualValues(t, 1, stats.Handshakes[proxy.HandshakeTimeout]+stats.Handshakes[proxy.HandshakeNoPreamble])
}
