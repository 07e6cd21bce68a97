package source

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/chaperone/internal/tlsterm"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func routingOf(t *testing.T, sequence int64, shards ...routing.ShardRef) []byte {
	t.Helper()
	data, err := routing.Encode(routing.Config{Sequence: sequence, Gateway: routing.Gateway{Namespace: "shop", Name: "edge"}, Shards: shards})
	require.NoError(t, err)
	return data
}

func vclOf(sequence int) []byte {
	return fmt.Appendf(nil, "// varnish-gateway main.vcl 1.0 sequence %d\n", sequence)
}

func TestNewest(t *testing.T) {
	one, two := routingOf(t, 1), routingOf(t, 2)
	broken := []byte(`{"version":"1.0.0","sequence":3,"listeners":`)
	tests := map[string]struct{ api, mount, want Config }{
		"nothing anywhere":                {},
		"only the mount is there":         {mount: Config{Routing: one, Main: vclOf(1)}, want: Config{Routing: one, Main: vclOf(1)}},
		"only the API is there":           {api: Config{Routing: one, Main: vclOf(1)}, want: Config{Routing: one, Main: vclOf(1)}},
		"the API is ahead of the mount":   {api: Config{Routing: two}, mount: Config{Routing: one}, want: Config{Routing: two}},
		"the mount is ahead of the API":   {api: Config{Routing: one}, mount: Config{Routing: two}, want: Config{Routing: two}},
		"each part goes by itself":        {api: Config{Routing: two, Main: vclOf(1)}, mount: Config{Routing: one, Main: vclOf(2)}, want: Config{Routing: two, Main: vclOf(2)}},
		"a broken file has its sequence":  {api: Config{Routing: broken}, mount: Config{Routing: two}, want: Config{Routing: broken}},
		"main.vcl without a header loses": {api: Config{Main: []byte("vcl 4.1;")}, mount: Config{Main: vclOf(1)}, want: Config{Main: vclOf(1)}},
		"sequences are numbers, not text": {api: Config{Main: vclOf(9)}, mount: Config{Main: vclOf(10)}, want: Config{Main: vclOf(10)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := newest(test.api, test.mount)
			assert.Equal(t, string(test.want.Routing), string(got.Routing))
			assert.Equal(t, string(test.want.Main), string(got.Main))
		})
	}
}

func TestShardsAreTakenFromWhereTheirDigestIs(t *testing.T) {
	old, fresh := []byte("old"), []byte("fresh")
	head := routingOf(t, 2, routing.ShardRef{Name: "00", Digest: digestOf(fresh)}, routing.ShardRef{Name: "01", Digest: digestOf(old)})
	api := Config{Routing: head, Shards: map[string][]byte{"00": fresh, "01": fresh}}
	mount := Config{Routing: routingOf(t, 1), Shards: map[string][]byte{"00": old, "01": old, "02": old}}
	got := newest(api, mount)
	assert.Equal(t, map[string][]byte{"00": fresh, "01": old}, got.Shards, "a shard that the head does not name is of no interest")
}

func TestPairsChoice(t *testing.T) {
	pairs := func(text string) Pairs { return Pairs{"a": tlsterm.Pair{Certificate: []byte(text)}} }
	api := func(p Pairs) func(*pairsChoice) { return func(c *pairsChoice) { c.fromAPI(p) } }
	mount := func(p Pairs) func(*pairsChoice) { return func(c *pairsChoice) { c.fromMount(p) } }
	tests := map[string]struct {
		events []func(*pairsChoice)
		want   Pairs
	}{
		"the mount serves until the API is there":        {[]func(*pairsChoice){mount(pairs("1"))}, pairs("1")},
		"the API overrules the mount":                    {[]func(*pairsChoice){mount(pairs("1")), api(pairs("2"))}, pairs("2")},
		"a mount that lags behind is not listened to":    {[]func(*pairsChoice){api(pairs("1")), api(pairs("2")), mount(pairs("1"))}, pairs("2")},
		"a mount that is ahead of a stuck watch is":      {[]func(*pairsChoice){mount(pairs("1")), api(pairs("1")), mount(pairs("2"))}, pairs("2")},
		"so is one that was first read later":            {[]func(*pairsChoice){api(pairs("1")), mount(pairs("1")), mount(pairs("2"))}, pairs("2")},
		"a watch that goes on overrules the mount again": {[]func(*pairsChoice){mount(pairs("1")), api(pairs("1")), mount(pairs("2")), api(pairs("3"))}, pairs("3")},
		"a mount of before the API's first word lags":    {[]func(*pairsChoice){api(pairs("2")), mount(pairs("1"))}, pairs("2")},
		"and catches up":                                   {[]func(*pairsChoice){api(pairs("2")), mount(pairs("1")), mount(pairs("2"))}, pairs("2")},
		"so does one that was ahead of the API":            {[]func(*pairsChoice){mount(pairs("1")), api(pairs("1")), mount(pairs("2")), mount(pairs("1"))}, pairs("1")},
		"the API that comes after the mount is newer":      {[]func(*pairsChoice){mount(pairs("1")), api(pairs("2")), mount(pairs("2"))}, pairs("2")},
		"a Secret that is deleted leaves its certificates": {[]func(*pairsChoice){api(pairs("1")), api(nil)}, pairs("1")},
		"what is mounted after that counts":                {[]func(*pairsChoice){api(pairs("1")), api(nil), mount(Pairs{})}, Pairs{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var choice pairsChoice
			for _, event := range test.events {
				event(&choice)
			}
			assert.Equal(t, test.want, choice.current)
		})
	}
}

func BenchmarkSequenceOfALargeFile(b *testing.B) {
	config := routing.Config{Sequence: 7}
	for i := range 3000 {
		config.Routes = append(config.Routes, routing.Route{Namespace: "shop", Name: fmt.Sprint(i)})
	}
	data, err := routing.Encode(config)
	require.NoError(b, err)
	for b.Loop() {
		if sequenceOf(data) != 7 {
			b.Fatal("wrong sequence")
		}
	}
}
