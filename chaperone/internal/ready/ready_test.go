package ready

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTasks(t *testing.T) {
	var reported []bool
	tasks := New(func(ready bool) { reported = append(reported, ready) }, VCLActive, RoutingAccepted)
	assert.False(t, tasks.Ready())
	tasks.Set(RoutingAccepted, true)
	assert.Equal(t, []string{VCLActive}, tasks.Missing())
	tasks.Set(VCLActive, true)
	tasks.Set(VCLActive, true)
	assert.True(t, tasks.Ready())
	tasks.Set(Serving, false)
	assert.Equal(t, []string{Serving}, tasks.Missing(), "a task that was not named before counts too")
	assert.Equal(t, []bool{true, false}, reported, "only changes are told")
}

func TestWhatIsToldLastIsTrue(t *testing.T) {
	var mu sync.Mutex
	var reported []bool
	entered, gate := make(chan struct{}), make(chan struct{})
	tasks := New(func(ready bool) {
		if ready {
			close(entered)
			<-gate
		}
		mu.Lock()
		defer mu.Unlock()
		reported = append(reported, ready)
	}, VCLActive)
	var setters sync.WaitGroup
	setters.Go(func() { tasks.Set(VCLActive, true) })
	<-entered
	// The task is undone while its being done is still being told.
	undone := make(chan struct{})
	setters.Go(func() { tasks.Set(VCLActive, false); close(undone) })
	for tasks.Ready() {
		runtime.Gosched()
	}
	select {
	case <-undone:
		t.Error("the second change was told before the first")
	default:
	}
	close(gate)
	setters.Wait()
	assert.Equal(t, []bool{true, false}, reported)
}
