package metrics

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/varnish-gateway/gateway/chaperone/internal/proxy"
	"github.com/varnish-gateway/gateway/chaperone/internal/reload"
	"github.com/varnish-gateway/gateway/chaperone/internal/tlsterm"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishstat"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"go.uber.org/zap"
)

var update = flag.Bool("update", false, "write the golden files and the reference page anew")

// reported is a status with a value in every field that is shown.
func reported() adminapi.Status {
	return adminapi.Status{
		Ready:    true,
		Versions: adminapi.Versions{Chaperone: "1.2.3", Varnishd: "7.7.0"},
		Routing: adminapi.Routing{Sequence: 7, GhostSequence: 9, Routes: 3, Services: 2, Endpoints: 5,
			Error: "broken", Diagnostics: make([]ghostconf.Diagnostic, 4)},
		VCL:          adminapi.VCL{Sequence: 6, Error: "line 3"},
		Certificates: adminapi.Certificates{Problems: make([]adminapi.Problem, 2)},
		Varnishd:     adminapi.Varnishd{State: adminapi.VarnishdRunning, Restarts: 1, ChildRestarts: 8},
	}
}

func reportedConnections() proxy.Stats {
	return proxy.Stats{
		Connections: 100, Open: 4, Pending: 1, Unreachable: 2,
		Refused:    [2]uint64{3, 6},
		Handshakes: map[proxy.Result]uint64{proxy.HandshakeDone: 90, proxy.HandshakeFailed: 5},
	}
}

func reportedTLS() tlsterm.Stats {
	return tlsterm.Stats{Resumed: 10, Expiry: map[string]time.Time{"www": time.Unix(1800000000, 0)}}
}

func reportedFailing() map[string]time.Duration {
	return map[string]time.Duration{"ConfigMap edge": 0, "Secret edge-certificates": 90 * time.Second}
}

func reportedAges() map[string]time.Duration {
	return map[string]time.Duration{"ConfigMap edge": 90 * time.Second}
}

func reportedCache(context.Context) (ghostconf.CacheStatistics, error) {
	return ghostconf.CacheStatistics{Rules: []ghostconf.RuleStatistics{
		{Route: "shop/web", Rule: "assets", Hits: 1, Stale: 2, Collapsed: 3, Misses: 4, HitsForMiss: 5, Passes: 6,
			ServedBytes: 7, Revalidated: 8, TooLarge: 9, Stored: 10, Objects: 11},
		{Route: "shop/web", Rule: "never asked for"},
	}}, nil
}

func counters(text string) varnishstat.Reader {
	return func(context.Context, ...string) (map[string]varnishstat.Counter, error) {
		return varnishstat.Parse([]byte(`{"version":1,"timestamp":"2026-11-22T10:42:34","counters":{` + text + `}}`))
	}
}

func newMetrics(read varnishstat.Reader) *Metrics {
	return New(Sources{Status: reported, Connections: reportedConnections, TLS: reportedTLS, Varnishstat: read, Cache: reportedCache, OpenFiles: 4096, TLSConnections: 682, Confined: true, Ages: reportedAges, Failing: reportedFailing, Log: zap.NewNop()})
}

func TestScrapeGolden(t *testing.T) {
	m := newMetrics(counters(`"MAIN.cache_hit":{"description":"Cache hits","flag":"c","format":"i","value":42}`))
	m.Reloaded(reload.Accepted, 3*time.Millisecond)
	m.Reloaded(reload.Refused, 2*time.Second)
	m.VCLLoaded(true)
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequest("GET", "/metrics", nil))
	require.Equal(t, 200, recorder.Code)

	var kept []string
	for _, line := range strings.SplitAfter(recorder.Body.String(), "\n") {
		bare := strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE ")
		if strings.HasPrefix(bare, "chaperone_build_info{") {
			continue // It holds Go's version.
		}
		if strings.HasPrefix(bare, "chaperone_") || strings.HasPrefix(bare, "varnish_") {
			kept = append(kept, line)
		}
	}
	assertGolden(t, filepath.Join("testdata", "scrape.txt"), strings.Join(kept, ""))
	assert.Contains(t, recorder.Body.String(), `chaperone_build_info{goversion="go`)
	assert.Contains(t, recorder.Body.String(), "go_goroutines ")
	assert.Contains(t, recorder.Body.String(), "process_open_fds ")
}

func TestNamesFollowPrometheus(t *testing.T) {
	families, err := newMetrics(counters("")).registry.Gather()
	require.NoError(t, err)
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	require.NoError(t, err)
	assert.Empty(t, problems)
}

func TestEveryOwnMetricIsListed(t *testing.T) {
	families, err := newMetrics(counters("")).registry.Gather()
	require.NoError(t, err)
	var gathered, listed []string
	for _, family := range families {
		if strings.HasPrefix(family.GetName(), "chaperone_") {
			gathered = append(gathered, fmt.Sprint(family.GetName(), " ", strings.ToLower(family.GetType().String()), " ", family.GetHelp()))
		}
	}
	for _, m := range own {
		listed = append(listed, fmt.Sprint(m.name, " ", kindName(m.kind), " ", m.help))
	}
	assert.ElementsMatch(t, gathered, listed)
}

func TestVarnishstatThatFailsIsAMetric(t *testing.T) {
	m := newMetrics(func(context.Context, ...string) (map[string]varnishstat.Counter, error) {
		return nil, errors.New("varnishd is away")
	})
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequest("GET", "/metrics", nil))
	assert.Equal(t, 200, recorder.Code)
	assert.Contains(t, recorder.Body.String(), "\nchaperone_varnishstat_up 0\n")
	assert.Contains(t, recorder.Body.String(), "\nchaperone_varnishstat_failures_total 1\n")
	assert.NotContains(t, recorder.Body.String(), "\nvarnish_main_")
}

func TestVarnishstatIsAskedOnceASecond(t *testing.T) {
	asked := 0
	latest := newVarnishCollector(func(context.Context, ...string) (map[string]varnishstat.Counter, error) {
		asked++
		return nil, nil
	}, zap.NewNop()).latest
	now := time.Unix(1800000000, 0)
	latest.now = func() time.Time { return now }
	for range 3 {
		latest.get()
	}
	assert.Equal(t, 1, asked)
	now = now.Add(maxAge)
	latest.get()
	assert.Equal(t, 2, asked)
}

func TestRealVarnishstat(t *testing.T) {
	varnishd := varnishtest.Start(t, varnishtest.Synthetic("hello"), "-a", "http=127.0.0.1:0")
	m := newMetrics(varnishstat.Program(varnishtest.Beside(t, "varnishstat"), varnishd.Dir))
	families, err := m.registry.Gather()
	require.NoError(t, err)
	kinds := map[string]string{}
	for _, family := range families {
		kinds[family.GetName()] = family.GetType().String()
	}
	assert.Equal(t, "COUNTER", kinds["varnish_main_cache_hit_total"])
	assert.Equal(t, "GAUGE", kinds["varnish_main_n_object"])
	assert.Equal(t, "COUNTER", kinds["varnish_mgt_child_start_total"])
	assert.Equal(t, "GAUGE", kinds["varnish_sma_g_bytes"])

	varnishd.Stop()
	_, err = varnishstat.Program(varnishtest.Beside(t, "varnishstat"), varnishd.Dir)(context.Background())
	require.ErrorContains(t, err, "run varnishstat")
}

func kindName(kind prometheus.ValueType) string {
	switch kind {
	case prometheus.CounterValue:
		return "counter"
	case prometheus.GaugeValue:
		return "gauge"
	case histogram:
		return "histogram"
	}
	return "untyped"
}

// page is generated from the tables of metrics, between these marks.
const (
	page  = "../../../docs/reference/metrics.md"
	begin = "<!-- begin: generated by go test ./chaperone/internal/metrics -update -->\n"
	end   = "<!-- end -->\n"
)

func TestPageListsEveryMetricButVarnishds(t *testing.T) {
	data, err := os.ReadFile(page)
	require.NoError(t, err)
	var got strings.Builder
	rest := string(data)
	for _, table := range [][]metric{own, byRuleOnce()} {
		before, behind, found := strings.Cut(rest, begin)
		require.True(t, found)
		_, after, found := strings.Cut(behind, end)
		require.True(t, found)
		got.WriteString(before + begin + "| metric | kind | labels | meaning |\n|---|---|---|---|\n")
		for _, m := range table {
			labels := strings.Join(m.labels, ", ")
			fmt.Fprintf(&got, "| `%s` | %s | %s | %s |\n", m.name, kindName(m.kind), labels, m.help)
		}
		got.WriteString(end)
		rest = after
	}
	assertGolden(t, page, got.String()+rest)
}

// byRuleOnce are the metrics by rule, of which one has a value for each result.
func byRuleOnce() []metric {
	var metrics []metric
	for _, m := range cacheMetrics {
		if len(metrics) == 0 || metrics[len(metrics)-1].name != m.name {
			metrics = append(metrics, m.metric)
		}
	}
	return metrics
}

func TestACacheThatCannotBeAskedHasNoMetrics(t *testing.T) {
	sources := Sources{Status: reported, Connections: reportedConnections, TLS: reportedTLS, Varnishstat: counters(""), Ages: reportedAges, Failing: reportedFailing, Log: zap.NewNop(),
		Cache: func(context.Context) (ghostconf.CacheStatistics, error) {
			return ghostconf.CacheStatistics{}, errors.New("ghost is away")
		}}
	recorder := httptest.NewRecorder()
	New(sources).Handler().ServeHTTP(recorder, httptest.NewRequest("GET", "/metrics", nil))
	assert.Equal(t, 200, recorder.Code)
	assert.Contains(t, recorder.Body.String(), "\nchaperone_ready 1\n")
	assert.NotContains(t, recorder.Body.String(), "varnish_gateway_cache_")
}

func assertGolden(t testing.TB, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}
