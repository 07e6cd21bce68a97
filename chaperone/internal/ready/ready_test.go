package ready

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTasks(t *testing.T) {
	var told []bool
	tasks := New(func(ready bool) { told = append(told, ready) }, VCLActive, RoutingAccepted)
	assert.False(t, tasks.Ready())
	tasks.Set(RoutingAccepted, true)
	assert.Equal(t, []string{VCLActive}, tasks.Missing())
	tasks.Set(VCLActive, true)
	tasks.Set(VCLActive, true)
	assert.True(t, tasks.Ready())
	tasks.Set(Serving, false)
	assert.Equal(t, []string{Serving}, tasks.Missing(), "a task that was not named before counts too")
	assert.Equal(t, []bool{true, false}, told, "only changes are told")
}
