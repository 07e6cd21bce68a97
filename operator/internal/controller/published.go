package controller

import (
	"reflect"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varnish-gateway/gateway/operator/internal/model"
)

// listeners are the part of routing.json that a Gateway itself decides. Routes come and go without the Gateway being any
// less programmed; its listeners do not.
type listeners struct {
	Listeners   []model.Listener
	TrustedHops []string
}

func listenersOf(g *model.Gateway) listeners {
	return listeners{Listeners: slices.Clone(g.Listeners), TrustedHops: slices.Clone(g.TrustedHops)}
}

// published remembers since which sequence the routing.json of each Gateway has the listeners that it has now.
type published struct {
	mu       sync.Mutex
	gateways map[types.NamespacedName]publication
}

type publication struct {
	listeners listeners
	since     int64
	// failed says why nothing newer could be published; empty where everything is.
	failed string
}

func newPublished() *published {
	return &published{gateways: map[types.NamespacedName]publication{}}
}

// note says what was published, or was there already, under a sequence. It tells whether that is news to those who wait
// for the listeners.
func (p *published) note(key types.NamespacedName, l listeners, sequence int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, known := p.gateways[key]
	if known && before.failed == "" && reflect.DeepEqual(before.listeners, l) && before.since <= sequence {
		return false
	}
	since := sequence
	if known && reflect.DeepEqual(before.listeners, l) && before.since <= sequence {
		since = before.since
	}
	p.gateways[key] = publication{listeners: l, since: since}
	return true
}

// fail says why a Gateway's routing could not be published. It tells whether that is news.
func (p *published) fail(key types.NamespacedName, why string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.gateways[key]
	failed := before
	failed.failed = why
	p.gateways[key] = failed
	return before.failed != why
}

// knows tells whether anything was said of a Gateway since the operator started.
func (p *published) knows(key types.NamespacedName) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, known := p.gateways[key]
	return known
}

// wanted is the sequence that pods must have reached to have these listeners, or why there is none.
func (p *published) wanted(key types.NamespacedName, l listeners) (int64, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, there := p.gateways[key]
	switch {
	case there && known.failed != "":
		return 0, known.failed
	case !there || !reflect.DeepEqual(known.listeners, l):
		return 0, "The listeners are not published yet."
	}
	return known.since, ""
}

func (p *published) forget(key types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.gateways, key)
}
