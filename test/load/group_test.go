package load

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAGroupLoadsByEachProtocol(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if (r.ProtoMajor == 2) != (r.URL.Path == "/http2") {
			w.WriteHeader(http.StatusHTTPVersionNotSupported)
		}
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	group := StartGroup(t.Context(), []Protocol{HTTP, H2C}, func(protocol Protocol) Config {
		config := loadOn(server, nil)
		config.Request = func() *http.Request {
			path := "/"
			if protocol.IsHTTP2() {
				path = "/http2"
			}
			request, _ := http.NewRequest(http.MethodGet, protocol.Scheme()+"://a.example"+path, nil)
			return request
		}
		return config
	})
	require.NoError(t, group.More(deadline(t), 20))
	results := group.Stop()
	require.Len(t, results, 2)
	require.NoError(t, results.NoneFailed())
	for protocol, result := range results {
		assert.GreaterOrEqual(t, result.Counts[OK], 20, protocol)
		assert.Equal(t, 2, result.Clients)
	}
}

func TestWhatADrainMayCost(t *testing.T) {
	const clients = 3
	for sentence, c := range map[string]struct {
		protocol Protocol
		counts   map[Outcome]int
		gateways int
		allowed  bool
	}{
		"nothing":                                    {HTTPS, map[Outcome]int{OK: 9}, 1, true},
		"no request of HTTP/1.1":                     {HTTP, map[Outcome]int{OK: 9, NoAnswer: 1}, 1, false},
		"no request of HTTP/1.1 over TLS":            {HTTPS, map[Outcome]int{OK: 9, CutAnswer: 1}, 1, false},
		"no request of HTTP/2 over TLS":              {H2, map[Outcome]int{OK: 9, NoAnswer: 1}, 1, false},
		"one of plain HTTP/2 for each client":        {H2C, map[Outcome]int{OK: 9, NoAnswer: 2, CutAnswer: 1}, 1, true},
		"no more than that":                          {H2C, map[Outcome]int{OK: 9, NoAnswer: 4}, 1, false},
		"as many again for each gateway that ends":   {H2C, map[Outcome]int{OK: 9, NoAnswer: 6}, 2, true},
		"none of HTTP/2 where no gateway ends":       {H2C, map[Outcome]int{OK: 9, NoAnswer: 1}, 0, false},
		"no connection of HTTP/2 that fails":         {H2C, map[Outcome]int{OK: 9, ConnectFailed: 1}, 1, false},
		"no answer of another status":                {H2C, map[Outcome]int{OK: 9, "status 503": 1}, 1, false},
		"no request that takes longer than its time": {H2C, map[Outcome]int{OK: 9, TimedOut: 1}, 1, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			err := Results{c.protocol: {Counts: c.counts, Clients: clients}}.AfterDrain(c.gateways)
			assert.Equal(t, c.allowed, err == nil, "%v", err)
		})
	}
}
