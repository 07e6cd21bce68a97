package source

import (
	"maps"
	"slices"
	"sync"

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

// change changes what one side shows, and tells what is the newest then.
func (h *hub) change(change func(h *hub) (config, pairs bool)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tell(Update{}, change)
}

// tell adds to an Update what is the newest after a change; h.mu is held.
func (h *hub) tell(u Update, change func(h *hub) (config, pairs bool)) {
	config, pairs := change(h)
	if config {
		chosen := newest(h.api, h.mount)
		chosen.MayLag = !h.heard
		h.noteShards(chosen)
		u.Config = &chosen
	}
	if pairs {
		u.Pairs = h.pairs.current
	}
	if !u.isEmpty() {
		h.sink.Take(u)
	}
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
	h.change(func(h *hub) (config, pairs bool) {
		h.heard, h.api.Routing, h.api.Main = true, data[gatewaypod.RoutingKey], data[gatewaypod.VCLKey]
		return true, false
	})
}

// setShard takes a shard's ConfigMap from the API; nil where there is none.
func (h *hub) setShard(name string, data map[string][]byte) {
	h.change(func(h *hub) (config, pairs bool) {
		shards := maps.Clone(h.api.Shards)
		delete(shards, name)
		if content, found := data[gatewaypod.ShardKey]; found {
			shards[name] = content
		}
		h.api.Shards = shards
		return true, false
	})
}

// setSecret takes the TLS Secret from the API; nil where there is none.
func (h *hub) setSecret(data map[string][]byte) {
	h.change(func(h *hub) (config, pairs bool) {
		if data == nil {
			h.pairs.fromAPI(nil)
		} else {
			h.pairs.fromAPI(pairsOf(data))
		}
		return false, true
	})
}

// mounted is the sink of the mounted files, among which are no EndpointSlices.
type mounted struct{ *hub }

// Take implements Sink.
func (m mounted) Take(u Update) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tell(Update{Reports: u.Reports}, func(h *hub) (config, pairs bool) {
		if u.Config != nil {
			h.mount = *u.Config
		}
		if u.Pairs != nil {
			h.pairs.fromMount(u.Pairs)
		}
		return u.Config != nil, u.Pairs != nil
	})
}
