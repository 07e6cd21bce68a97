package source

import (
	"slices"
	"strings"
	"sync"
)

// concern is one thing that can be wrong with a place.
type concern int

// The concerns, in the order in which they are told.
const (
	// watching is that a place cannot be watched.
	watching concern = iota
	// silence is that the API server has said nothing of a place.
	silence
	concerns
)

// reasons tell a Sink what is wrong with each place, every concern of it: one does not hide the other, and the end of
// one leaves the other. It is safe for concurrent use.
type reasons struct {
	sink Sink
	mu   sync.Mutex
	// of is what is wrong with a place, by concern.
	of map[string]*[concerns]string
}

func newReasons(sink Sink) *reasons { return &reasons{sink: sink, of: map[string]*[concerns]string{}} }

// report says what is wrong with a place; an empty message, that nothing is.
func (r *reasons) report(place string, about concern, message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.of[place]
	if all == nil {
		all = &[concerns]string{}
		r.of[place] = all
	}
	all[about] = message
	r.sink.Take(Update{Reports: map[string]string{place: strings.Join(slices.DeleteFunc(slices.Clone(all[:]), func(s string) bool { return s == "" }), "; ")}})
}

// forget says that a place is of no interest any more.
func (r *reasons) forget(place string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.of, place)
	r.sink.Take(Update{Reports: map[string]string{place: ""}})
}
