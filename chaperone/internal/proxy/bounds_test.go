package proxy

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestClientsAreToldApart(t *testing.T) {
	tests := map[string]struct {
		one, other string
		same       bool
	}{
		"one IPv4 address":                {"192.0.2.1", "192.0.2.1", true},
		"two IPv4 addresses":              {"192.0.2.1", "192.0.2.2", false},
		"IPv4 in the form of IPv6":        {"192.0.2.1", "::ffff:192.0.2.1", true},
		"one IPv6 network of a client":    {"2001:db8::1", "2001:db8::ffff:1", true},
		"two IPv6 networks":               {"2001:db8::1", "2001:db8:0:1::1", false},
		"one network at two of our links": {"fe80::1%eth0", "fe80::1%eth1", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			one, other := netip.MustParseAddr(test.one), netip.MustParseAddr(test.other)
			assert.Equal(t, test.same, networkOf(one) == networkOf(other))
		})
	}
}
