package programming

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestNoTaskBeginsOnceTheyAreWaitedFor is for the race detector as well: sync.WaitGroup.Go must happen before Wait where
// nothing runs.
func TestNoTaskBeginsOnceTheyAreWaitedFor(t *testing.T) {
	for range 100 {
		var all tasks
		var began, ended atomic.Int32
		var callers sync.WaitGroup
		for range 4 {
			callers.Go(func() {
				for range 10 {
					all.start(func() {
						began.Add(1)
						ended.Add(1)
					})
				}
			})
		}
		all.wait()
		before := began.Load()
		assert.Equal(t, before, ended.Load())
		callers.Wait()
		assert.Equal(t, before, began.Load())
	}
}
