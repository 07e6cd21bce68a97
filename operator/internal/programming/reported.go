package programming

import (
	"reflect"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
)

// Reported says that the Gateway's condition tells what its pods say of what they are to run.
func (g *Gateway) Reported(want dataplane.Wanted) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reported = &want
}

// Revised says that pods are to run something new, of which nothing was reported yet.
func (g *Gateway) Revised() { g.Reported(dataplane.Wanted{}) }

// Stands says whether a condition that was written before is still true while a pod has yet to be heard: one that has just become
// ready, or every pod after a restart of the operator.
//   - That the Gateway is programmed stands if its pods were last known to run what they are to run now.
//   - After a restart any condition stands, but that it is programmed only if nothing is to be changed.
func (g *Gateway) Stands(want dataplane.Wanted, programmed bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reported != nil {
		return programmed && reflect.DeepEqual(*g.reported, want)
	}
	return !programmed || want.Check.State == dataplane.NoCheck
}
