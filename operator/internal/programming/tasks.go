package programming

import "sync"

// tasks are goroutines that are waited for. A sync.WaitGroup alone must not be added to while it is
// waited for, and a reconciler that is about to end may still ask to follow a pod.
type tasks struct {
	mu      sync.Mutex
	ended   bool
	running sync.WaitGroup
}

// start runs a task, unless they are waited for already.
func (t *tasks) start(task func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended {
		t.running.Go(task)
	}
}

// wait returns when no task runs, and lets none begin.
func (t *tasks) wait() {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	t.running.Wait()
}
