// Package dataplane learns from a Gateway's pods what they run: it asks chaperone's admin API in each, and decides what
// their answers mean for the Gateway.
package dataplane

import "github.com/varnish-gateway/gateway/shared/adminapi"

// Pod of a Gateway.
type Pod struct {
	// Name is empty where no pod serves the Gateway, but a process of this machine.
	Name string
	UID  string
	// IP is empty until the pod has one.
	IP string
	// Ready is what Kubernetes says, Leaving that the pod is being deleted or has ended.
	Ready   bool
	Leaving bool
}

// Observation is a pod with what it said last.
type Observation struct {
	Pod
	// Status is nil until the pod has said something.
	Status *adminapi.Status
}

// awaited tells whether the pod is asked, and has not said anything yet.
func (o Observation) awaited() bool { return o.IP != "" && !o.Leaving && o.Status == nil }
