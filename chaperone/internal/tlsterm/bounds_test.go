package tlsterm

import (
	"crypto/tls"
	"net"
	"net/netip"
	"testing"
	"time"

	wire "github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/varnish-gateway/gateway/chaperone/internal/proxy"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestConnectionsBeyondTheBoundsAreClosed(t *testing.T) {
	tests := map[string]struct {
		options proxy.Options
		bound   proxy.Bound
	}{
		"all together": {proxy.Options{MaxConnections: 2}, proxy.BoundTotal},
		"of a client":  {proxy.Options{MaxConnectionsPerAddress: 2}, proxy.BoundAddress},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			core, logs := observer.New(zap.WarnLevel)
			test.options.Log = zap.New(core)
			term := startPresenting(t, test.options, false)
			startVarnishd(t, term.path, echo)
			first, second := connect(t, term), connect(t, term)
			assertEcho(t, first, "the first")
			assertEcho(t, second, "as many as there may be")
			for range 2 {
				conn, err := net.Dial("tcp", term.address)
				require.NoError(t, err)
				_, err = conn.Read(make([]byte, 1))
				require.Error(t, err, "it is closed without a word")
				_ = conn.Close()
			}
			assert.EqualValues(t, 2, term.Stats().Refused[test.bound])
			assert.Equal(t, 2, term.Stats().Open)
			assert.Equal(t, 1, logs.Len(), "told, but not each time")
			assertEcho(t, first, "those that are open go on")

			require.NoError(t, first.Close())
			require.Eventually(t, func() bool { return term.Stats().Open == 1 }, deadline, time.Millisecond)
			assertEcho(t, connect(t, term), "there is room again")
		})
	}
}

func TestBehindALoadBalancerTheClientCounts(t *testing.T) {
	term := startPresenting(t, proxy.Options{MaxConnectionsPerAddress: 1}, true)
	startVarnishd(t, term.path, echo)
	dial := func(client string) *tls.Conn {
		balancer, err := net.Dial("tcp", term.address)
		require.NoError(t, err)
		t.Cleanup(func() { _ = balancer.Close() })
		from := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(client))
		_, err = wire.HeaderProxyFromAddrs(2, from, from).WriteTo(balancer)
		require.NoError(t, err)
		return tls.Client(balancer, asking("www.example.com"))
	}
	one := dial("192.0.2.7:1234")
	assertEcho(t, one, "the first of its client")
	require.Error(t, dial("192.0.2.7:1235").Handshake(), "the second of the same client")
	assert.EqualValues(t, 1, term.Stats().Refused[proxy.BoundAddress])
	assertEcho(t, dial("192.0.2.8:1234"), "another client by the same balancer")
	require.NoError(t, one.Close())
	require.Eventually(t, func() bool { return term.Stats().Open == 1 }, deadline, time.Millisecond)
	assertEcho(t, dial("192.0.2.7:1236"), "there is room again")
}
