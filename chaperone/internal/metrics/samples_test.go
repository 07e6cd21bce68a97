package metrics

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishstat"
)

func TestSamples(t *testing.T) {
	tests := map[string]struct {
		counters string
		want     []sample
	}{
		"a counter": {`"MAIN.cache_hit":{"description":"Hits","flag":"c","value":42}`,
			[]sample{{"varnish_main_cache_hit_total", prometheus.CounterValue, "Hits", "", 42}}},
		"a gauge with an ident": {`"SMA.s0.g_bytes":{"description":"Bytes","flag":"g","value":1048576}`,
			[]sample{{"varnish_sma_g_bytes", prometheus.GaugeValue, "Bytes", "s0", 1048576}}},
		"an ident with dots and slashes": {`"VBE.main-3.shop/cart:80.req":{"description":"Requests","flag":"c","value":1}`,
			[]sample{{"varnish_vbe_req_total", prometheus.CounterValue, "Requests", "main-3.shop/cart:80", 1}}},
		"of a bitmap the latest probe": {`"VBE.a.happy":{"description":"Probes","flag":"b","value":18446744073709551615},` +
			`"VBE.b.happy":{"description":"Probes","flag":"b","value":18446744073709551614}`,
			[]sample{{"varnish_vbe_happy", prometheus.GaugeValue, "Probes", "a", 1}, {"varnish_vbe_happy", prometheus.GaugeValue, "Probes", "b", 0}}},
		"a flag that is not known": {`"MAIN.odd":{"description":"Odd","flag":"z","value":1}`,
			[]sample{{"varnish_main_odd", prometheus.UntypedValue, "Odd", "", 1}}},
		"characters that a name cannot have": {`"GHOST.route.resp-5xx":{"description":"5xx","flag":"c","value":1}`,
			[]sample{{"varnish_ghost_resp_5xx_total", prometheus.CounterValue, "5xx", "route", 1}}},
		"total is not said twice": {`"GHOST.requests_total":{"description":"R","flag":"c","value":1}`,
			[]sample{{"varnish_ghost_requests_total", prometheus.CounterValue, "R", "", 1}}},
		"one help for all of a name": {`"GHOST.a.x":{"description":"first","flag":"g","value":1},"GHOST.b.x":{"description":"second","flag":"g","value":2}`,
			[]sample{{"varnish_ghost_x", prometheus.GaugeValue, "first", "a", 1}, {"varnish_ghost_x", prometheus.GaugeValue, "first", "b", 2}}},
		"the first of those that would be the same": {`"GHOST.a.x-y":{"description":"1","flag":"g","value":1},"GHOST.a.x_y":{"description":"2","flag":"g","value":2}`,
			[]sample{{"varnish_ghost_x_y", prometheus.GaugeValue, "1", "a", 1}}},
		"one kind for all of a name": {`"GHOST.a.x_total":{"description":"1","flag":"c","value":1},"GHOST.b.x_total":{"description":"2","flag":"g","value":2}`,
			[]sample{{"varnish_ghost_x_total", prometheus.CounterValue, "1", "a", 1}}},
		"what is no counter is left out": {`"odd":{"flag":"c","value":1},"MAIN.none":{"flag":"c"}`, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			counters, err := varnishstat.Parse([]byte(`{"version":1,"counters":{` + test.counters + `}}`))
			require.NoError(t, err)
			assert.Equal(t, test.want, samplesOf(counters))
		})
	}
}

func FuzzSamples(f *testing.F) {
	f.Add([]byte(`{"version":1,"counters":{"MAIN.a":{"description":"A","flag":"c","value":1},"X.\u0000.b":{"flag":"b","value":3}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		counters, err := varnishstat.Parse(data)
		if err != nil {
			return
		}
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(newVarnishCollector(func(context.Context, ...string) (map[string]varnishstat.Counter, error) { return counters, nil }, zap.NewNop()))
		_, err = registry.Gather()
		require.NoError(t, err, "%v", counters)
	})
}
