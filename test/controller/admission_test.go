//go:build apiserver

package controller

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
)

// eventuallyWithout waits until the Gateway edge has no condition of a type.
func eventuallyWithout(t *testing.T, namespace, kind string) {
	t.Helper()
	eventually(t, kind+" to be gone", func() error {
		conditions, err := ofGateway(t, namespace, "edge")()
		if c := meta.FindStatusCondition(conditions, kind); err == nil && c != nil {
			return fmt.Errorf("%+v", c)
		}
		return err
	})
}

// limitRange is one whose default is made of max by the API server.
func limitRange(memory string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: LimitRange
metadata: {name: small}
spec: {limits: [{type: Container, max: {memory: %s}}]}
`, memory)
}

func TestALimitRangeIsToldOfBeforeThereArePods(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, limitRange("150Mi")+"---"+class+"---"+edge+"---"+web)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "ReplicaFailure", "True", "InsufficientMemory",
		"LimitRange small gives each pod a memory limit of 150Mi")
	apply(t, ns, withParameters("{storage: {size: 16Mi}}"))
	eventuallyWithout(t, ns, "ReplicaFailure")
	apply(t, ns, limitRange("100Mi"))
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "ReplicaFailure", "True", "InsufficientMemory", "a memory limit of 100Mi")
	pod := startPod(t, ns, "edge")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "ReplicaFailure", "True", "InsufficientMemory", "Pod "+pod.name+" has a memory limit of 100Mi")
	remove(t, &corev1.LimitRange{}, ns, "small")
	remove(t, &corev1.Pod{}, ns, pod.name)
	eventuallyWithout(t, ns, "ReplicaFailure")
}
