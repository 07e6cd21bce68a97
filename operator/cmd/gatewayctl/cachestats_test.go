package main

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// startAdmin stands in for the chaperone of a gateway that runs in a state directory.
func startAdmin(t *testing.T, dir, gateway, directory string, status int, answer string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cret" || r.Method+" "+r.URL.Path != "GET /v1/cache/statistics" {
			http.Error(w, r.Method+" "+r.URL.Path, http.StatusBadRequest)
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	state := filepath.Join(dir, directory)
	require.NoError(t, os.MkdirAll(state, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(state, "token"), []byte("s3cret\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(state, "admin"), []byte(strings.TrimPrefix(server.URL, "http://")+" "+gateway), 0o600))
}

const statisticsAnswer = `{"rules":[
  {"route":"blog/web","rule":"all"},
  {"route":"shop/web","rule":"assets","hits":960,"stale":12,"collapsed":8,"misses":15,"hitsForMiss":3,"passes":2,"servedBytes":48211932,"stored":14,"objects":9}
]}`

func cacheStats(t *testing.T, dir string, arguments ...string) (string, error) {
	t.Helper()
	var out, errs bytes.Buffer
	root := newRoot(&out, &errs)
	root.SetArgs(append([]string{"cache", "stats", "--state-dir", dir}, arguments...))
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestCacheStatsAreATable(t *testing.T) {
	dir := t.TempDir()
	startAdmin(t, dir, "default/web", "0000aaaa", http.StatusOK, statisticsAnswer)
	startAdmin(t, dir, "infra/edge", "0000bbbb", http.StatusOK, `{"rules":[]}`)
	out, err := cacheStats(t, dir)
	require.NoError(t, err)
	assert.Equal(t, `Gateway default/web
ROUTE     RULE    REQUESTS  HIT RATIO  STALE  COLLAPSED  MISSES  HIT-FOR-MISS  PASSES  SAVED     OBJECTS
blog/web  all     0         -          0      0          0       0             0       0 B       0
shop/web  assets  1000      98.0%      12     8          15      3             2       46.0 MiB  9

Gateway infra/edge
no rule with a cache policy
`, out)
}

func TestCacheStatsOfSomeRoutes(t *testing.T) {
	dir := t.TempDir()
	startAdmin(t, dir, "default/web", "0000aaaa", http.StatusOK, statisticsAnswer)
	for sentence, c := range map[string]struct {
		arguments []string
		routes    []string
	}{
		"all":                 {nil, []string{"blog/web", "shop/web"}},
		"of a namespace":      {[]string{"-n", "shop"}, []string{"shop/web"}},
		"of a name":           {[]string{"--route", "web"}, []string{"blog/web", "shop/web"}},
		"of another name":     {[]string{"--route", "we"}, []string{}},
		"of both":             {[]string{"-n", "blog", "--route", "web"}, []string{"blog/web"}},
		"of a namespace only": {[]string{"-n", "shop", "--route", "other"}, []string{}},
	} {
		t.Run(sentence, func(t *testing.T) {
			out, err := cacheStats(t, dir, append(c.arguments, "-o", "json")...)
			require.NoError(t, err)
			var got struct {
				Gateways []struct {
					Gateway string
					Rules   []ghostconf.RuleStatistics
				}
			}
			require.NoError(t, json.Unmarshal([]byte(out), &got))
			require.Len(t, got.Gateways, 1)
			assert.Equal(t, "default/web", got.Gateways[0].Gateway)
			routes := []string{}
			for _, rule := range got.Gateways[0].Rules {
				routes = append(routes, rule.Route)
			}
			assert.Equal(t, c.routes, routes)
		})
	}
}

func TestCacheStatsThatCannotBeTold(t *testing.T) {
	dir := t.TempDir()
	_, err := cacheStats(t, dir)
	require.ErrorContains(t, err, "no gateway runs in the state directory")
	_, err = cacheStats(t, filepath.Join(dir, "none"))
	require.ErrorContains(t, err, "state directory:")
	startAdmin(t, dir, "default/web", "0000aaaa", http.StatusServiceUnavailable, `{"error":"ghost is away"}`)
	startAdmin(t, dir, "default/old", "0000bbbb", http.StatusNotFound, `no such page`)
	startAdmin(t, dir, "infra/edge", "0000cccc", http.StatusOK, statisticsAnswer)
	out, err := cacheStats(t, dir)
	require.ErrorContains(t, err, "on Gateway default/web: ghost is away")
	require.ErrorContains(t, err, "on Gateway default/old: chaperone answers 404 Not Found")
	assert.Contains(t, out, "Gateway infra/edge\n", "what others say is told")
	_, err = cacheStats(t, dir, "-o", "xml")
	require.ErrorContains(t, err, `no output form "xml"; there are text and json`)
}

func TestBytesText(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1 << 20: "1.0 MiB", 5 << 30: "5.0 GiB", math.MaxUint64: "16.0 EiB",
	} {
		assert.Equal(t, want, bytesText(n))
	}
}
