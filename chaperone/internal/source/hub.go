package source

import (
	"maps"
	"slices"
	"sync"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// hub joins what the API shows and what is mounted, and tells one sink.
type hub struct {
	sink Sink

	mu         sync.Mutex
	api, mount Config
	// heard says that the API has told of the Gateway's ConfigMap.
	heard bool
	pairs pairsChoice
	// shards are the names of those that the chosen head refers to; wanted is woken when they change.
	shards []string
	wanted chan struct{}
}

func newHub(sink Sink) *hub {
	return &hub{sink: sink, api: Config{Shards: map[string][]byte{}}, wanted: make(chan struct{}, 1)}
}

// changeConfig changes what one side shows, and tells what is the newest then.
func (h *hub) changeConfig(change func(h *hub)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
	chosen := newest(h.api, h.mount)
	chosen.MayLag = !h.heard
	h.noteShards(chosen)
	h.sink.SetConfig(chosen)
}

func (h *hub) noteShards(chosen Config) {
	var names []string
	for _, ref := range shardRefs(chosen.Routing) {
		names = append(names, ref.Name)
	}
	if slices.Equal(names, h.shards) {
		return
	}
	h.shards = names
	select {
	case h.wanted <- struct{}{}:
	default:
	}
}

func (h *hub) wantedShards() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.shards)
}

// setMain takes the Gateway's ConfigMap from the API; nil where there is none.
func (h *hub) setMain(data map[string][]byte) {
	h.changeConfig(func(h *hub) {
		h.heard, h.api.Routing, h.api.Main = true, data[gatewaypod.RoutingKey], data[gatewaypod.VCLKey]
	})
}

// setShard takes a shard's ConfigMap from the API; nil where there is none.
func (h *hub) setShard(name string, data map[string][]byte) {
	h.changeConfig(func(h *hub) {
		shards := maps.Clone(h.api.Shards)
		delete(shards, name)
		if content, found := data[gatewaypod.ShardKey]; found {
			shards[name] = content
		}
		h.api.Shards = shards
	})
}

// setSecret takes the TLS Secret from the API; nil where there is none.
func (h *hub) setSecret(data map[string][]byte) {
	h.changePairs(func(c *pairsChoice) {
		if data == nil {
			c.fromAPI(nil)
			return
		}
		c.fromAPI(pairsOf(data))
	})
}

func (h *hub) changePairs(change func(*pairsChoice)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(&h.pairs)
	if h.pairs.current != nil {
		h.sink.SetPairs(h.pairs.current)
	}
}

// mounted is the sink of the mounted files.
type mounted struct{ *hub }

// SetConfig implements Sink.
func (m mounted) SetConfig(config Config) { m.changeConfig(func(h *hub) { h.mount = config }) }

// SetPairs implements Sink.
func (m mounted) SetPairs(pairs Pairs) {
	m.changePairs(func(c *pairsChoice) { c.fromMount(pairs) })
}

// SetSlice implements Sink; EndpointSlices are not mounted.
func (m mounted) SetSlice(*discoveryv1.EndpointSlice) {}

// DeleteSlice implements Sink.
func (m mounted) DeleteSlice(string, string) {}

// SetSynced implements Sink.
func (m mounted) SetSynced(string) {}

// SetDenied implements Sink.
func (m mounted) SetDenied(string) {}

// ForgetNamespace implements Sink.
func (m mounted) ForgetNamespace(string) {}

// Report implements Sink.
func (m mounted) Report(place, message string) { m.sink.Report(place, message) }
