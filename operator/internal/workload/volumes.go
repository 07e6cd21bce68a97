package workload

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// readable lets the pod's user read what is mounted.
const readable int32 = 0o440

// workSize bounds varnishd's working directory: its log, compiled VCL, and the compiler's own files.
var workSize = resource.MustParse("256Mi")

func mounts() []corev1.VolumeMount {
	return []corev1.VolumeMount{
		{Name: "config", MountPath: gatewaypod.ConfigDir, ReadOnly: true},
		{Name: "shards", MountPath: gatewaypod.ShardsDir, ReadOnly: true},
		{Name: "tls", MountPath: gatewaypod.CertificatesDir, ReadOnly: true},
		{Name: "ticket-keys", MountPath: gatewaypod.TicketKeysDir, ReadOnly: true},
		{Name: "admin", MountPath: gatewaypod.AdminDir, ReadOnly: true},
		{Name: "work", MountPath: gatewaypod.WorkDir},
	}
}

// volumes are all there from the first day, so that neither a certificate nor growth beyond one ConfigMap rolls pods.
func (g Gateway) volumes() []corev1.Volume {
	names := NamesOf(g.Object.Name)
	size := workSize.DeepCopy()
	return []corev1.Volume{
		{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: names.Config},
			DefaultMode:          ptr.To(readable), Optional: ptr.To(true),
		}}},
		{Name: "shards", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
			DefaultMode: ptr.To(readable), Sources: shardSources(names),
		}}},
		{Name: "tls", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
			SecretName: names.Certificates, DefaultMode: ptr.To(readable), Optional: ptr.To(true),
		}}},
		{Name: "ticket-keys", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
			SecretName: names.TicketKeys, DefaultMode: ptr.To(readable), Optional: ptr.To(true),
		}}},
		{Name: "admin", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
			SecretName: names.Admin, DefaultMode: ptr.To(readable),
		}}},
		{Name: "work", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{
			Medium: corev1.StorageMediumMemory, SizeLimit: &size,
		}}},
	}
}

func shardSources(names Names) []corev1.VolumeProjection {
	sources := make([]corev1.VolumeProjection, 0, routing.ShardCount)
	for _, shard := range routing.ShardNames() {
		sources = append(sources, corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: names.Shards[shard]},
			Items:                []corev1.KeyToPath{{Key: gatewaypod.ShardKey, Path: shard + gatewaypod.ShardExtension}},
			Optional:             ptr.To(true),
		}})
	}
	return sources
}
