package options

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
)

var update = flag.Bool("update", false, "write the reference page anew")

const (
	page  = "../../../docs/reference/chaperone.md"
	begin = "<!-- flags: go test ./internal/options -update -->\n"
	end   = "<!-- end of flags -->\n"
)

func TestTheReferencePageHasTheFlags(t *testing.T) {
	content, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(content), begin)
	require.True(t, found, "%s has no mark for the flags", page)
	table, after, found := strings.Cut(rest, end)
	require.True(t, found, "%s has no mark for the end of the flags", page)
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(before+begin+Table()+end+after), 0o644))
		return
	}
	assert.Equal(t, Table(), table, "run: go test ./internal/options -update")
}

func TestDefaults(t *testing.T) {
	o, err := Parse([]string{"--gateway", "shop/edge", "--listen", "http-80"})
	require.NoError(t, err)
	assert.Equal(t, "shop", o.Namespace)
	assert.Equal(t, "edge", o.Name)
	assert.Equal(t, SourceKubernetes, o.Source)
	assert.Equal(t, 5*time.Second, o.DrainDelay)
	assert.Equal(t, Limits{
		MaxTLSConnections: 8192, MaxTLSConnectionsPerAddress: 4096, MaxBackendRequests: 4000,
		RequestTimeout: time.Hour, IdleTimeout: 75 * time.Second,
	}, o.Limits)
	assert.Equal(t, zapcore.InfoLevel, o.LogLevel)
	assert.Len(t, o.Sockets, 1)
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	tests := map[string]struct {
		args    []string
		problem string
	}{
		"no Gateway":                   {[]string{"--listen", "http-80"}, "--gateway"},
		"a Gateway without namespace":  {[]string{"--gateway", "edge", "--listen", "http-80"}, "--gateway"},
		"a Gateway with two slashes":   {[]string{"--gateway", "a/b/c", "--listen", "http-80"}, "--gateway"},
		"no socket":                    {[]string{"--gateway", "a/b"}, "--listen"},
		"a socket of another protocol": {[]string{"--gateway", "a/b", "--listen", "tcp-80"}, "--listen"},
		"a source of another kind":     {[]string{"--gateway", "a/b", "--listen", "http-80", "--source", "x"}, "--source"},
		"a log of another form":        {[]string{"--gateway", "a/b", "--listen", "http-80", "--access-log", "x"}, "--access-log"},
		"a level of another name":      {[]string{"--gateway", "a/b", "--listen", "http-80", "--log-level", "x"}, "--log-level"},
		"a certificate without a key":  {[]string{"--gateway", "a/b", "--listen", "http-80", "--admin-cert-file", "x"}, "--admin-key-file"},
		"an admin API in plain text":   {[]string{"--gateway", "a/b", "--listen", "http-80", "--admin-token-file", "x", "--admin-address", ":19443"}, "--admin-address"},
		"a negative delay":             {[]string{"--gateway", "a/b", "--listen", "http-80", "--drain-delay", "-1s"}, "--drain-delay"},
		"no TLS connections":           {[]string{"--gateway", "a/b", "--listen", "http-80", "--max-tls-connections", "0"}, "--max-tls-connections"},
		"no backend request at all":    {[]string{"--gateway", "a/b", "--listen", "http-80", "--max-backend-requests", "0"}, "--max-backend-requests"},
		"less than none to a service":  {[]string{"--gateway", "a/b", "--listen", "http-80", "--max-backend-requests-per-service", "-1"}, "--max-backend-requests-per-service"},
		"no time to be idle":           {[]string{"--gateway", "a/b", "--listen", "http-80", "--idle-timeout", "0s"}, "--idle-timeout"},
		"a day and more to be idle":    {[]string{"--gateway", "a/b", "--listen", "http-80", "--idle-timeout", "25h"}, "--idle-timeout"},
		"no time for a request":        {[]string{"--gateway", "a/b", "--listen", "http-80", "--request-timeout", "0s"}, "--request-timeout"},
		"an argument that is no flag":  {[]string{"--gateway", "a/b", "--listen", "http-80", "x"}, `"x"`},
		"an unknown flag":              {[]string{"--nonsense"}, "--nonsense"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(test.args)
			require.ErrorContains(t, err, test.problem)
		})
	}
}

func TestWhereTheAdminAPINeedsNoCertificate(t *testing.T) {
	for name, args := range map[string][]string{
		"on the loopback device":                  {"--admin-token-file", "x", "--admin-address", "127.0.0.1:19443"},
		"on that of IPv6":                         {"--admin-token-file", "x", "--admin-address", "[::1]:19443"},
		"under its name":                          {"--admin-token-file", "x", "--admin-address", "localhost:19443"},
		"where there is none for want of a token": {"--admin-address", ":19443"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(append([]string{"--gateway", "a/b", "--listen", "http-80"}, args...))
			assert.NoError(t, err)
		})
	}
}

func TestVersionNeedsNothingElse(t *testing.T) {
	o, err := Parse([]string{"--version"})
	require.NoError(t, err)
	assert.True(t, o.Version)
}
