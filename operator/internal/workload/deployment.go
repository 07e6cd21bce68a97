package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

// user is who the pods run as; the images know it too.
const user int64 = 65532

// keptReplicaSets is how many old templates are kept to look at.
const keptReplicaSets int32 = 3

// Deployment of the Gateway's pods. It says nothing about replicas: whoever scales the Gateway owns them.
func (g Gateway) Deployment() (*appsv1.Deployment, error) {
	template, err := g.podTemplate()
	if err != nil {
		return nil, fmt.Errorf("render the pods of Gateway %s: %w", g.Key(), err)
	}
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "Deployment"},
		ObjectMeta: g.owned(NamesOf(g.Object.Name).Deployment),
		Spec: appsv1.DeploymentSpec{
			Selector:             &metav1.LabelSelector{MatchLabels: Selector(g.Object.Name)},
			RevisionHistoryLimit: ptr.To(keptReplicaSets),
			Strategy: appsv1.DeploymentStrategy{
				Type: appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{
					MaxSurge: ptr.To(intstr.FromInt32(1)), MaxUnavailable: ptr.To(intstr.FromInt32(0)),
				},
			},
			Template: template,
		},
	}, nil
}

// InfraHash of a Deployment's pods; empty for one that is not ours.
func InfraHash(d *appsv1.Deployment) string { return d.Spec.Template.Annotations[AnnotationInfraHash] }

// podTemplate carries its own digest: if that stays, so do the pods.
func (g Gateway) podTemplate() (corev1.PodTemplateSpec, error) {
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: g.labels(), Annotations: g.annotations()},
		Spec:       g.podSpec(),
	}
	if extra := g.Settings.PodTemplate; extra != nil {
		template.Labels = over(extra.Labels, template.Labels)
		template.Annotations = over(extra.Annotations, template.Annotations)
		extendPod(&template.Spec, extra.DeepCopy(), Selector(g.Object.Name))
	}
	template.Annotations[AnnotationAccount] = string(g.Account)
	rendered, err := json.Marshal(template)
	if err != nil {
		return template, err
	}
	sum := sha256.Sum256(rendered)
	template.Annotations[AnnotationInfraHash] = hex.EncodeToString(sum[:16])
	return template, nil
}

func (g Gateway) podSpec() corev1.PodSpec {
	return corev1.PodSpec{
		ServiceAccountName:            NamesOf(g.Object.Name).ServiceAccount,
		AutomountServiceAccountToken:  ptr.To(true),
		EnableServiceLinks:            ptr.To(false),
		TerminationGracePeriodSeconds: ptr.To(int64(math.Ceil((drainDelay + DrainTimeout(&g.Settings) + stopTime).Seconds()))),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot:   ptr.To(true),
			RunAsUser:      ptr.To(user),
			RunAsGroup:     ptr.To(user),
			FSGroup:        ptr.To(user),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			// Ports below 1024 without a capability.
			Sysctls: []corev1.Sysctl{{Name: "net.ipv4.ip_unprivileged_port_start", Value: "0"}},
		},
		Containers: []corev1.Container{g.container()},
		Volumes:    g.volumes(),
	}
}

// extendPod adds what the settings ask for.
func extendPod(pod *corev1.PodSpec, extra *v1alpha1.PodTemplate, selector map[string]string) {
	pod.NodeSelector = extra.NodeSelector
	pod.Tolerations = extra.Tolerations
	pod.Affinity = extra.Affinity
	pod.ImagePullSecrets = extra.ImagePullSecrets
	pod.PriorityClassName = extra.PriorityClassName
	pod.TopologySpreadConstraints = extra.TopologySpreadConstraints
	for i := range pod.TopologySpreadConstraints {
		if pod.TopologySpreadConstraints[i].LabelSelector == nil {
			pod.TopologySpreadConstraints[i].LabelSelector = &metav1.LabelSelector{MatchLabels: maps.Clone(selector)}
		}
	}
}

// over returns the base with what goes over it.
func over(base, top map[string]string) map[string]string {
	both := maps.Clone(base)
	if both == nil {
		both = map[string]string{}
	}
	maps.Copy(both, top)
	return both
}
