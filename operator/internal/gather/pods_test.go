package gather

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestOfAPodThatIsKeptWhichSaysWhyItDoesNotStart(t *testing.T) {
	limits := corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}}
	waiting := corev1.ContainerStatus{
		Name:                 "gateway",
		State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 2, Message: "no"}},
	}
	status := corev1.PodStatus{
		Phase: corev1.PodFailed, Reason: "Evicted", Message: "low on memory", PodIP: "192.0.2.1",
		Conditions:        []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse}},
		ContainerStatuses: []corev1.ContainerStatus{waiting}, InitContainerStatuses: []corev1.ContainerStatus{waiting},
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "a", Annotations: map[string]string{"varnish.io/infra-hash": "h"}},
		Spec:       corev1.PodSpec{NodeName: "n", Containers: []corev1.Container{{Name: "gateway", Image: "i", Resources: limits}}},
		Status:     *status.DeepCopy(),
	}
	pod.Status.ContainerStatuses[0].ImageID, pod.Status.HostIP = "sha256:1", "192.0.2.2"
	trimmed, err := trimPod(pod)
	require.NoError(t, err)
	kept := trimmed.(*corev1.Pod)
	assert.Equal(t, "h", kept.Annotations["varnish.io/infra-hash"])
	assert.Equal(t, corev1.PodSpec{Containers: []corev1.Container{{Name: "gateway", Resources: limits}}}, kept.Spec)
	assert.Equal(t, status, kept.Status, "and nothing that nobody reads")
}
