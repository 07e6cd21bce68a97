package decision_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/corpus"
	"github.com/varnish-gateway/gateway/shared/decision"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Whatever ghost.json and request come, the decision is one that a gateway can carry out, and the explanation agrees.
func FuzzExplain(f *testing.F) {
	files, err := corpus.AllDecisions()
	require.NoError(f, err)
	for _, file := range files {
		for _, c := range file.Cases {
			r := c.Request
			f.Add([]byte(file.Config), r.Socket, r.Host, r.Method, r.Target, "x-a", "1")
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, socket, host, method, target, name, value string) {
		config, err := ghostconf.Decode(data)
		if err != nil {
			return
		}
		explanation := decision.New(config, nil).Explain(decision.Request{
			Socket: socket, Host: host, Method: method, Target: target, Headers: []routing.Header{{Name: name, Value: value}},
		})
		checkVerdicts(t, explanation)
		got := explanation.Decision
		require.Equal(t, got.Status == 0, len(got.Backends) > 0, "either an answer or backends")
		require.Equal(t, 300 <= got.Status && got.Status < 400, got.Location != "", "a redirect has a Location, and only that")
		for _, backend := range got.Backends {
			require.Positive(t, backend.Weight)
			require.Equal(t, backend.Status == 0, len(backend.Endpoints) > 0, "either an answer or endpoints")
			if backend.Status == 0 {
				asterisk := method == "OPTIONS" && target == "*" && backend.Upstream.Target == "*"
				require.True(t, asterisk || backend.Upstream.Target[0] == '/', "the target %q", backend.Upstream.Target)
			}
		}
	})
}
