package metrics

import (
	"context"
	"sync"
	"time"
)

// How others are asked for what they count.
const (
	askWithin = 3 * time.Second
	// maxAge lets several Prometheus servers scrape without asking for each.
	maxAge = time.Second
)

// recent asks for a value, unless that was done a moment ago. Scrapes that come meanwhile wait and share the answer.
type recent[T any] struct {
	ask func(context.Context) T
	now func() time.Time

	mu    sync.Mutex
	value T
	asked time.Time
}

func newRecent[T any](ask func(context.Context) T) *recent[T] {
	return &recent[T]{ask: ask, now: time.Now}
}

func (r *recent[T]) get() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked.IsZero() || r.now().Sub(r.asked) >= maxAge {
		ctx, cancel := context.WithTimeout(context.Background(), askWithin)
		defer cancel()
		r.value = r.ask(ctx)
		r.asked = r.now()
	}
	return r.value
}
