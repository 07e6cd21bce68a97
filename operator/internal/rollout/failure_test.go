package rollout

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// recorded reads what a cluster (Kubernetes 1.36.3) said of a Gateway's Deployment and pods, without what nobody looks at here.
func recorded(t *testing.T, name string) (*appsv1.Deployment, []*corev1.Pod) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
	require.NoError(t, err)
	var list struct{ Items []json.RawMessage }
	require.NoError(t, yaml.Unmarshal(data, &list))
	var deployment *appsv1.Deployment
	var pods []*corev1.Pod
	for _, item := range list.Items {
		var kind metav1.TypeMeta
		require.NoError(t, json.Unmarshal(item, &kind))
		switch kind.Kind {
		case "Deployment":
			deployment = &appsv1.Deployment{}
			require.NoError(t, json.Unmarshal(item, deployment))
		case "Pod":
			pod := &corev1.Pod{}
			require.NoError(t, json.Unmarshal(item, pod))
			pods = append(pods, pod)
		}
	}
	require.NotNil(t, deployment)
	return deployment, pods
}

func TestWhyPodsDoNotStartIsWhatKubernetesSaid(t *testing.T) {
	for recording, want := range map[string]*Failure{
		"runs": nil,
		"quota": {"FailedCreate", `Pods are missing: pods "g-5d4d6c6fb7-9rs7r" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, ` +
			`limited: pods=0.`},
		"limit-range": {"FailedCreate", `Pods are missing: Pod "g-55dd97947-6mzf9" is invalid: spec.containers[0].resources.requests: ` +
			`Invalid value: "100m": must be less than or equal to cpu limit of 50m.`},
		"priority-class": {"FailedCreate", `Pods are missing: pods "g-85cf9f9789-" is forbidden: no PriorityClass with name none-such was found.`},
		"node-selector": {"Unschedulable", "Pod g-845b6dcc47-9bcxx has no node: 0/1 nodes are available: 1 node(s) didn't match Pod's " +
			"node affinity/selector. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."},
		"full-node": {"Unschedulable", "Pod g-69cbf97449-t4zk6 has no node: 0/1 nodes are available: 1 Insufficient cpu. no new claims to " +
			"deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."},
		"image": {"ImagePullBackOff", `Pod g-7b9b7b898-bzgkm waits for its image: failed to pull and unpack image "registry.k8s.io/none-such:1": ` +
			`failed to resolve reference "registry.k8s.io/none-such:1": failed to do request: Head "https://registry.k8s.io/v2/none-such/manifests/1": ` +
			`dial tcp: lookup registry.k8s.io on 192.0.2.53:53: no such host.`},
		"crash":             {"CrashLoopBackOff", "Pod g-7695ccd667-pjjx9 ends again and again: container gateway ended with exit code 2 (Error)."},
		"varnishd-argument": nil,
	} {
		t.Run(recording, func(t *testing.T) {
			deployment, pods := recorded(t, recording)
			assert.Equal(t, want, Find(deployment, pods, nil))
		})
	}
}

func TestWhatChaperoneSaysOfVarnishdIsAReason(t *testing.T) {
	deployment, pods := recorded(t, "varnishd-argument")
	said := map[string]string{pods[0].Name: `varnishd: exit status 2: Error: Unknown parameter "none_such".`}
	assert.Equal(t, &Failure{
		"CrashLoopBackOff", "Pod " + pods[0].Name + ` does not become ready: varnishd: exit status 2: Error: Unknown parameter "none_such".`,
	}, Find(deployment, pods, said))
}

func TestAPodOfAnEarlierTemplateIsNoReason(t *testing.T) {
	deployment, pods := recorded(t, "node-selector")
	pods[0].Annotations["varnish.io/infra-hash"] = "before"
	assert.Nil(t, Find(deployment, pods, nil))
	assert.Nil(t, Find(nil, pods, nil), "nor is one without a Deployment")

	deployment, pods = recorded(t, "node-selector")
	pods[0].DeletionTimestamp = &metav1.Time{}
	*pods[0].DeletionTimestamp = metav1.Now()
	assert.Nil(t, Find(deployment, pods, nil), "nor is one that leaves")
}

func TestADeadlineIsTheReasonWhereNothingElseIs(t *testing.T) {
	deployment, pods := recorded(t, "varnishd-argument")
	for i := range deployment.Status.Conditions {
		if c := &deployment.Status.Conditions[i]; c.Type == appsv1.DeploymentProgressing {
			c.Status, c.Reason, c.Message = corev1.ConditionFalse, "ProgressDeadlineExceeded", `ReplicaSet "g-764d7759c" has timed out progressing.`
		}
	}
	assert.Equal(t, &Failure{"ProgressDeadlineExceeded", `Pods do not become ready: ReplicaSet "g-764d7759c" has timed out progressing. Pod ` +
		pods[0].Name + " is not ready: containers with unready status: [gateway]."}, Find(deployment, pods, nil))

	pods[0].Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
		Reason: "CreateContainerConfigError", Message: `secret "g" not found`,
	}}
	assert.Equal(t, &Failure{"CreateContainerConfigError", "Pod " + pods[0].Name +
		` cannot start container gateway (CreateContainerConfigError): secret "g" not found.`}, Find(deployment, pods, nil))

	pods[0].Status.Phase, pods[0].Status.Reason, pods[0].Status.Message = corev1.PodFailed, "Evicted", "The node was low on resource: memory."
	assert.Equal(t, &Failure{"Evicted", "Pod " + pods[0].Name + " has failed (Evicted): The node was low on resource: memory."},
		Find(deployment, pods, nil))
}

func TestADeploymentDiffersWhereItsWordsDo(t *testing.T) {
	deployment, _ := recorded(t, "varnishd-argument")
	same := deployment.DeepCopy()
	same.Status.Conditions[1].Message = "ReplicaSet is progressing still."
	assert.False(t, Differs(deployment, same), "progress is no news")
	failed, _ := recorded(t, "quota")
	assert.True(t, Differs(deployment, failed))
	ready := deployment.DeepCopy()
	ready.Status.AvailableReplicas = 1
	assert.True(t, Differs(deployment, ready), "every pod is there")
}

func TestALimitThatThePodWasGivenIsHeldToItsCache(t *testing.T) {
	deployment, pods := recorded(t, "runs")
	assert.Nil(t, Memory(deployment, pods, 150<<20), "its limit is 150 MiB")
	assert.Equal(t, &Failure{"InsufficientMemory", "Pod " + pods[0].Name + " has a memory limit of 150Mi, but its cache and what a pod needs " +
		"besides take 228Mi. A LimitRange gives such limits: set resources.limits.memory, or a smaller storage.size."},
		Memory(deployment, pods, 228<<20))
	pods[0].Spec.Containers[0].Resources = corev1.ResourceRequirements{}
	assert.Nil(t, Memory(deployment, pods, 228<<20), "there is no limit")
}

func TestALimitRangeIsHeldToTheCacheBeforeThereArePods(t *testing.T) {
	deployment, _ := recorded(t, "runs")
	deployment.Spec.Template.Spec.Containers = []corev1.Container{{Name: "gateway"}}
	ranged := func(name string, kind corev1.LimitType, memory string) *corev1.LimitRange {
		r := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: name}}
		r.Spec.Limits = []corev1.LimitRangeItem{
			{Type: kind, Default: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}},
			{Type: kind, Default: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory)}},
		}
		return r
	}
	enough, small := ranged("enough", corev1.LimitTypeContainer, "1Gi"), ranged("small", corev1.LimitTypeContainer, "150Mi")
	want := &Failure{"InsufficientMemory", "LimitRange small gives each pod a memory limit of 150Mi, but its cache and what a pod needs " +
		"besides take 228Mi: set resources.limits.memory, or a smaller storage.size."}
	assert.Equal(t, want, LimitRange(deployment, []*corev1.LimitRange{ranged("z", corev1.LimitTypeContainer, "1Mi"), small, enough}, 228<<20),
		"the first by name")
	assert.Nil(t, LimitRange(deployment, []*corev1.LimitRange{small}, 150<<20), "it is enough")
	assert.Nil(t, LimitRange(deployment, []*corev1.LimitRange{ranged("pod", corev1.LimitTypePod, "1Mi")}, 228<<20), "it gives nothing to containers")
	assert.Nil(t, LimitRange(deployment, nil, 228<<20))
	assert.Nil(t, LimitRange(nil, []*corev1.LimitRange{small}, 228<<20), "there is no Deployment yet")
	deployment.Spec.Template.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")}
	assert.Nil(t, LimitRange(deployment, []*corev1.LimitRange{small}, 228<<20), "the template says it itself")
}
