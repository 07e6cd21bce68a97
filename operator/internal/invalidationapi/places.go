package invalidationapi

import "sync"

// places bound how many calls are carried out side by side, so that one namespace leaves room for
// others.
type places struct {
	all, ofOne int

	mu    sync.Mutex
	taken map[string]int
	sum   int
}

func newPlaces(all, ofOne int) *places {
	return &places{all: all, ofOne: ofOne, taken: map[string]int{}}
}

// enter takes a place for a namespace; false where none is free.
func (p *places) enter(namespace string) (leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sum >= p.all || p.taken[namespace] >= p.ofOne {
		return nil, false
	}
	p.sum++
	p.taken[namespace]++
	return func() { p.leave(namespace) }, true
}

func (p *places) leave(namespace string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sum--
	if p.taken[namespace]--; p.taken[namespace] == 0 {
		delete(p.taken, namespace)
	}
}
