package socket

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestParse(t *testing.T) {
	tests := map[string]struct {
		text    string
		want    Socket
		problem string
	}{
		"plain HTTP":                         {text: "http-80", want: Socket{Key: Key{Port: 80, Protocol: routing.ProtocolHTTP}}},
		"HTTPS":                              {text: "https-443", want: Socket{Key: Key{Port: 443, Protocol: routing.ProtocolHTTPS}}},
		"PROXY is no part of the name":       {text: "http-80+proxy", want: Socket{Key: Key{Port: 80, Protocol: routing.ProtocolHTTP}, Proxy: true}},
		"no port is refused":                 {text: "http", problem: "not of the form"},
		"another protocol is refused":        {text: "tcp-80", problem: "neither http nor https"},
		"upper case is refused":              {text: "HTTP-80", problem: "neither http nor https"},
		"port 0 is refused":                  {text: "http-0", problem: "not a number from 1 to 65535"},
		"a port that is too high is refused": {text: "http-65536", problem: "not a number from 1 to 65535"},
		"a second spelling is refused":       {text: "http-080", problem: "not a number from 1 to 65535"},
		"an unknown option is refused":       {text: "http-80+tls", problem: "not a number from 1 to 65535"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(test.text)
			if test.problem != "" {
				require.ErrorContains(t, err, test.problem)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestParseAllRefusesOnePortTwice(t *testing.T) {
	_, err := ParseAll([]string{"http-80", "https-80"})
	require.ErrorContains(t, err, "same port")

	sockets, err := ParseAll([]string{"http-80", "https-443"})
	require.NoError(t, err)
	assert.Len(t, sockets, 2)
}

func TestArgument(t *testing.T) {
	tests := map[string]struct{ text, host, want string }{
		"plain HTTP on every address":     {"http-80", "", "http-80=:80,HTTP"},
		"plain HTTP on one address":       {"http-80", "127.0.0.1", "http-80=127.0.0.1:80,HTTP"},
		"plain HTTP on an IPv6 address":   {"http-80", "::1", "http-80=[::1]:80,HTTP"},
		"behind a load balancer":          {"http-80+proxy", "", "http-80=:80,PROXY"},
		"HTTPS is a unix socket":          {"https-443", "", "https-443=/run/x/https-443.sock,PROXY"},
		"HTTPS behind a load balancer":    {"https-443+proxy", "", "https-443=/run/x/https-443.sock,PROXY"},
		"HTTPS on an address is the same": {"https-443", "127.0.0.1", "https-443=/run/x/https-443.sock,PROXY"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := Parse(test.text)
			require.NoError(t, err)
			assert.Equal(t, test.want, s.Argument(test.host, "/run/x"))
		})
	}
	assert.Equal(t, "ghost-reload=/run/x/ghost-reload.sock,HTTP", ReloadArgument("/run/x"))
}
