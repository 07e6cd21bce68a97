//go:build apiserver

package controller

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
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

// secured makes a namespace whose pods must keep to a Pod Security Standard.
func secured(t *testing.T, level string) string {
	t.Helper()
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "test-", Labels: map[string]string{"pod-security.kubernetes.io/enforce": level},
	}}
	require.NoError(t, cluster.Create(t.Context(), object))
	return object.Name
}

// admission is what the API server says of a pod of a Deployment's template.
func admission(t *testing.T, deployment *appsv1.Deployment) error {
	t.Helper()
	template := deployment.Spec.Template
	return cluster.Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: deployment.Namespace, GenerateName: "edge-", Labels: template.Labels, Annotations: template.Annotations,
		},
		Spec: template.Spec,
	}, client.DryRunAll)
}

// https://kubernetes.io/docs/concepts/security/pod-security-standards/
func TestPodsKeepToEveryPodSecurityStandardAndARefusalIsTold(t *testing.T) {
	startOperator(t)
	for _, level := range []string{"baseline", "restricted"} {
		t.Run(level, func(t *testing.T) {
			ns := secured(t, level)
			apply(t, ns, class+"---"+edge+"---"+web)
			deployment := &appsv1.Deployment{}
			eventually(t, "the Deployment", func() error { return cluster.Get(t.Context(), clientKey(ns, "edge"), deployment) })
			require.NoError(t, admission(t, deployment))

			// A sidecar of somebody else's, which is left there.
			deployment.Spec.Template.Spec.Containers = append(deployment.Spec.Template.Spec.Containers, corev1.Container{
				Name: "sidecar", Image: "theirs", SecurityContext: &corev1.SecurityContext{Privileged: ptr.To(true)},
			})
			refusal := admission(t, deployment)
			require.True(t, apierrors.IsForbidden(refusal), "%v", refusal)
			words := fmt.Sprintf("violates PodSecurity %q: privileged", level+":latest")
			require.ErrorContains(t, refusal, words)
			sayOfDeployment(t, ns, "edge", func(s *appsv1.DeploymentStatus) {
				s.Conditions = []appsv1.DeploymentCondition{{
					Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: refusal.Error(),
				}}
			})
			eventuallyCondition(t, ofGateway(t, ns, "edge"), "ReplicaFailure", "True", "FailedCreate", words)
			eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Pending", words)
		})
	}
}
