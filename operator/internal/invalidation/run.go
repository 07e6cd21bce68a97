package invalidation

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

// state of one pod.
type state int

const (
	// asking means that it has not carried out the order yet.
	asking state = iota
	done
	failed
	// gone means that its cache is.
	gone
)

// target is a pod that is asked. What it says is guarded by the lock of its Run.
type target struct {
	gateway types.NamespacedName
	// pod as it was when the order was given.
	pod   *corev1.Pod
	state state
	// message is what came of the last attempt that failed.
	message string
}

// Run is one order under way. It is done once.
type Run struct {
	carrier  *Carrier
	order    []byte
	gateways []types.NamespacedName

	mu   sync.Mutex
	pods []*target
}

// Do asks all pods side by side, and returns when each has carried out the order, refused it, or
// lost its cache. A pod that has done none of that when ctx ends has failed.
func (r *Run) Do(ctx context.Context) {
	var running sync.WaitGroup
	for _, t := range r.pods {
		running.Go(func() {
			end := r.carrier.deliver(ctx, t, r.order, func(err error) { r.tell(t, err) })
			r.mu.Lock()
			defer r.mu.Unlock()
			if t.state = end; end == failed && t.message == "" {
				t.message = "it did not answer in time"
			}
		})
	}
	running.Wait()
	r.order = nil
}

func (r *Run) tell(t *target, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.message = clipped(err.Error())
}

const (
	// maxFailures is how many pods of a Gateway are named that have failed.
	maxFailures = 16
	// maxMessage is the longest message of one, in bytes.
	maxMessage = 1024
)

// clipped is a message in one line, without its end where it is too long.
func clipped(message string) string {
	message = strings.Join(strings.Fields(message), " ")
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "")
	}
	return message
}

// Gateways say how far the run is, ordered by their names. controller is who says so.
func (r *Run) Gateways(controller string) []v1alpha1.InvalidatedGateway {
	r.mu.Lock()
	defer r.mu.Unlock()
	entries := make([]v1alpha1.InvalidatedGateway, 0, len(r.gateways))
	for _, gateway := range r.gateways {
		entry := v1alpha1.InvalidatedGateway{
			Namespace: gateway.Namespace, Name: gateway.Name, ControllerName: controller, State: v1alpha1.InvalidationStateComplete,
		}
		for _, t := range r.pods {
			if t.gateway == gateway {
				count(&entry, t)
			}
		}
		slices.SortFunc(entry.Failures, func(a, b v1alpha1.InvalidationFailure) int { return cmp.Compare(a.Pod, b.Pod) })
		entry.Failures = entry.Failures[:min(len(entry.Failures), maxFailures)]
		entries = append(entries, entry)
	}
	slices.SortFunc(entries, byName)
	return entries
}

func byName(a, b v1alpha1.InvalidatedGateway) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// count adds a pod to what is said of its Gateway.
func count(entry *v1alpha1.InvalidatedGateway, t *target) {
	entry.Pods.Asked++
	switch t.state {
	case done:
		entry.Pods.Done++
		return
	case gone:
		entry.Pods.Gone++
		return
	case failed:
		entry.Pods.Failed++
		if entry.State == v1alpha1.InvalidationStateComplete {
			entry.State = v1alpha1.InvalidationStateFailed
		}
	case asking:
		entry.State = v1alpha1.InvalidationStateInProgress
	}
	if t.message != "" {
		entry.Failures = append(entry.Failures, v1alpha1.InvalidationFailure{Pod: t.pod.Name, Message: t.message})
	}
}
