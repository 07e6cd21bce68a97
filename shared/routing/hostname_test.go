package routing_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestHostnamePatterns(t *testing.T) {
	label := strings.Repeat("a", 63)
	for pattern, want := range map[string]bool{
		"a":                                    true,
		"a.example":                            true,
		"*.a":                                  true,
		"o_k-1.example":                        true,
		label + ".example":                     true,
		label + "a.example":                    false,
		strings.Repeat(label+".", 3) + "a":     true,
		strings.Repeat(label+".", 3) + label:   false,
		"*." + strings.Repeat("a.", 124) + "a": true,
		"*." + strings.Repeat("a.", 126) + "a": false,
		"":                                     false,
		"*":                                    false,
		"*.":                                   false,
		"*.*.a":                                false,
		"a.*":                                  false,
		"A":                                    false,
		"a..b":                                 false,
		"a.":                                   false,
		"a:80":                                 false,
	} {
		t.Run(pattern, func(t *testing.T) {
			assert.Equal(t, want, routing.ValidHostnamePattern(pattern))
			exact := want && !strings.HasPrefix(pattern, "*")
			assert.Equal(t, exact, routing.ValidHostname(pattern))
		})
	}
}

func TestHostnamesMatchHosts(t *testing.T) {
	for name, c := range map[string]struct {
		pattern, host string
		want          bool
	}{
		"an exact hostname":               {"a.example", "a.example", true},
		"another host":                    {"a.example", "b.example", false},
		"one label for a wildcard":        {"*.example", "a.example", true},
		"several labels for a wildcard":   {"*.example", "b.a.example", true},
		"the suffix of a wildcard itself": {"*.example", "example", false},
		"an empty label for a wildcard":   {"*.example", ".example", false},
		"a wildcard ends at a dot":        {"*.example", "anexample", false},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, routing.HostnameMatches(c.pattern, c.host))
		})
	}
}

func TestHostOfAHeader(t *testing.T) {
	for value, want := range map[string]string{
		"A.Example":        "a.example",
		"a.example:80":     "a.example",
		"a.example:":       "a.example",
		"a.example.":       "a.example",
		"a.example.:80":    "a.example",
		"192.0.2.1:80":     "192.0.2.1",
		"[2001:DB8::1]":    "[2001:db8::1]",
		"[2001:db8::1]:80": "[2001:db8::1]",
		"":                 "",
		":80":              "",
		".":                "",
		"a b":              "",
		"a:b":              "",
		"a:80:80":          "",
		"a/b":              "",
		"u@a":              "",
		"[::1":             "",
		"::1]":             "",
		"[]":               "",
		"[a]":              "",
		"[::1]x":           "",
		"a%2e":             "",
		"a\x00":            "",
		"ä":                "",
		"\xff":             "",
	} {
		t.Run(value, func(t *testing.T) {
			host, ok := routing.Host(value)
			assert.Equal(t, want != "", ok)
			if ok {
				assert.Equal(t, want, host)
			}
		})
	}
}
