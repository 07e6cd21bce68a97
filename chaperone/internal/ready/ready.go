// Package ready keeps the named tasks that must be done before this pod is ready, and says which of
// them are missing.
package ready

import (
	"slices"
	"sync"
)

// Names of the tasks that chaperone waits for.
const (
	// VCLActive is done while varnishd's child runs with a VCL in use.
	VCLActive = "VCL active"
	// RoutingAccepted is done once ghost has accepted a ghost.json.
	RoutingAccepted = "first ghost.json accepted"
	// Serving is undone when chaperone was told to stop.
	Serving = "not stopping"
)

// Tasks are the named tasks. The zero value is not usable; see New. Safe for concurrent use.
type Tasks struct {
	mu      sync.Mutex
	missing []string

	// telling keeps notifications in the order of the changes; reported is what the last one said.
	telling  sync.Mutex
	reported bool
	onChange func(ready bool)
}

// New starts with the given tasks undone. onChange, which may be nil, is told whenever Ready changes, and last of
// what it is in the end; it must not call Set.
func New(onChange func(ready bool), tasks ...string) *Tasks {
	if onChange == nil {
		onChange = func(bool) {}
	}
	return &Tasks{missing: slices.Clone(tasks), reported: len(tasks) == 0, onChange: onChange}
}

// Set marks a task as done or undone. A task that was not named to New is added by being undone.
func (t *Tasks) Set(task string, done bool) {
	t.mu.Lock()
	i := slices.Index(t.missing, task)
	switch {
	case done && i >= 0:
		t.missing = slices.Delete(t.missing, i, i+1)
	case !done && i < 0:
		t.missing = append(t.missing, task)
	}
	t.mu.Unlock()
	t.tell()
}

// tell tells what is true now, not what was when its caller changed something.
func (t *Tasks) tell() {
	t.telling.Lock()
	defer t.telling.Unlock()
	if now := t.Ready(); now != t.reported {
		t.reported = now
		t.onChange(now)
	}
}

// Missing names the tasks that are undone; the pod is ready where there are none.
func (t *Tasks) Missing() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.missing)
}

// Ready says whether every task is done.
func (t *Tasks) Ready() bool {
	return len(t.Missing()) == 0
}
