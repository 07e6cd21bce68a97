package openloop

import "slices"

// queue is first in, first out.
type queue[T comparable] struct {
	items []T
	first int
}

func (q *queue[T]) len() int { return len(q.items) - q.first }

func (q *queue[T]) push(item T) {
	if q.first > len(q.items)/2 {
		q.items = append(q.items[:0], q.items[q.first:]...)
		q.first = 0
	}
	q.items = append(q.items, item)
}

func (q *queue[T]) pop() T {
	item := q.items[q.first]
	q.first++
	return item
}

// remove takes an item out, wherever it stands.
func (q *queue[T]) remove(item T) {
	if i := slices.Index(q.items[q.first:], item); i >= 0 {
		q.items = slices.Delete(q.items, q.first+i, q.first+i+1)
	}
}
