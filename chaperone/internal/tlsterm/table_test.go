package tlsterm

import (
	"crypto/tls"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/varnish-gateway/gateway/chaperone/internal/socket"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestFindListener(t *testing.T) {
	certificates := store{"c": {certificate: &tls.Certificate{Leaf: newAuthority(t).certificate}}}
	listeners := []routing.Listener{
		https("bare", "bare.example.com"),
		https("exact", "www.example.com", "c"),
		https("wide", "*.example.com", "c"),
		https("narrow", "*.api.example.com", "c"),
		https("mixed case", "Shop.Example.Com", "c"),
		https("late duplicate", "www.example.com", "c"),
	}
	withHostless := append(listeners, https("hostless", "", "c"))
	tests := map[string]struct {
		listeners []routing.Listener
		name      string
		want      string
	}{
		"an exact hostname wins over a wildcard":                    {listeners, "www.example.com", "exact"},
		"the longest wildcard wins":                                 {listeners, "v1.api.example.com", "narrow"},
		"a wildcard stands for several labels":                      {listeners, "a.b.c.example.com", "wide"},
		"the domain of the longer wildcard belongs to the shorter":  {listeners, "api.example.com", "wide"},
		"a wildcard does not stand for nothing":                     {listeners, "example.com", ""},
		"a wildcard does not match within a label":                  {listeners, "badexample.com", ""},
		"a leading dot is no label":                                 {listeners, ".example.com", ""},
		"names are compared without case":                           {listeners, "WWW.EXAMPLE.COM", "exact"},
		"hostnames are compared without case":                       {listeners, "shop.example.com", "mixed case"},
		"a listener without certificate still owns its name":        {withHostless, "bare.example.com", "bare"},
		"a name that nobody covers goes to the hostless listener":   {withHostless, "other.test", "hostless"},
		"no name goes to the hostless listener":                     {withHostless, "", "hostless"},
		"no name and no hostless listener: the first certificate":   {listeners, "", "exact"},
		"a covered name stays with its listener, hostless or not":   {withHostless, "x.example.com", "wide"},
		"no name and no certificate at all":                         {listeners[:1], "", ""},
		"a name that nobody covers, without hostless, finds nobody": {listeners, "other.test", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			table := newTable(test.listeners, certificates, new(tickets).update(test.listeners))
			got := ""
			if l := table.ports[socketKey].find(test.name); l != nil {
				got = l.name
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestTableKeepsPortsApart(t *testing.T) {
	other := https("other", "", "c")
	other.Port = 8443
	plain := https("plain", "", "c")
	plain.Protocol = routing.ProtocolHTTP
	otherKey, plainKey := socket.KeyOf(other), socket.KeyOf(plain)
	listeners := []routing.Listener{https("exact", "www.example.com", "c"), other, plain}
	table := newTable(listeners, store{}, new(tickets).update(listeners))

	assert.Nil(t, table.ports[socketKey].find("other.test"))
	assert.Equal(t, "other", table.ports[otherKey].find("www.example.com").name)
	assert.NotContains(t, table.ports, plainKey)
}
