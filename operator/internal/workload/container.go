package workload

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// Container is the name of the gateway container.
const Container = "gateway"

// How a pod ends: it goes on serving until its endpoint is withdrawn, finishes requests in flight, and stops
// varnishd.
const (
	drainDelay = 5 * time.Second
	stopTime   = 20 * time.Second
)

var defaultCPU = resource.MustParse("100m")

func (g Gateway) container() corev1.Container {
	return corev1.Container{
		Name:      Container,
		Image:     g.image(),
		Args:      g.arguments(),
		Env:       []corev1.EnvVar{{Name: "TMPDIR", Value: gatewaypod.WorkDir}},
		Ports:     g.containerPorts(),
		Resources: resources(g.Settings.Resources),
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: ptr.To(false),
			ReadOnlyRootFilesystem:   ptr.To(true),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
		VolumeMounts:   mounts(),
		ReadinessProbe: probe(gatewaypod.ReadinessPath, 2, 3),
		LivenessProbe:  probe(gatewaypod.LivenessPath, 10, 6),
	}
}

func (g Gateway) image() string {
	if g.Settings.Image != "" {
		return g.Settings.Image
	}
	return g.Image
}

// arguments of chaperone, by docs/reference/chaperone.md.
func (g Gateway) arguments() []string {
	access, level := Logs(&g.Settings)
	args := []string{
		"--gateway=" + g.Key().String(),
		"--source=kubernetes",
		"--config-dir=" + gatewaypod.ConfigDir,
		"--shards-dir=" + gatewaypod.ShardsDir,
		"--tls-dir=" + gatewaypod.CertificatesDir,
		"--work-dir=" + gatewaypod.WorkDir,
		fmt.Sprintf("--health-address=:%d", gatewaypod.HealthPort),
		fmt.Sprintf("--admin-address=:%d", gatewaypod.AdminPort),
		"--admin-token-file=" + gatewaypod.AdminDir + "/" + gatewaypod.AdminTokenKey,
		"--admin-cert-file=" + gatewaypod.AdminDir + "/" + gatewaypod.AdminCertificateKey,
		"--admin-key-file=" + gatewaypod.AdminDir + "/" + gatewaypod.AdminKeyKey,
		"--access-log=" + access,
		"--log-level=" + level,
		"--drain-delay=" + drainDelay.String(),
		"--drain-timeout=" + DrainTimeout(&g.Settings).String(),
	}
	for _, socket := range g.Sockets {
		args = append(args, "--listen="+socket.Flag())
	}
	for _, arg := range VarnishdArguments(&g.Settings) {
		args = append(args, "--varnishd-arg="+arg)
	}
	return append(args, LimitArguments(&g.Settings)...)
}

// VarnishdArguments are varnishd's, by the settings. Their own come last, and so count.
func VarnishdArguments(settings *v1alpha1.GatewaySettings) []string {
	args := []string{"-p", fmt.Sprintf("vsl_space=%dM", v1alpha1.LogSpace>>20), "-s", fmt.Sprintf("default=malloc,%d", settings.StorageSize())}
	return append(args, settings.VarnishdExtraArgs...)
}

func (g Gateway) containerPorts() []corev1.ContainerPort {
	var ports []corev1.ContainerPort
	for _, socket := range g.Sockets {
		ports = append(ports, corev1.ContainerPort{
			Name: socket.Name(), ContainerPort: socket.Port, Protocol: corev1.ProtocolTCP,
		})
	}
	return append(ports,
		corev1.ContainerPort{Name: "health", ContainerPort: gatewaypod.HealthPort, Protocol: corev1.ProtocolTCP},
		corev1.ContainerPort{Name: "admin", ContainerPort: gatewaypod.AdminPort, Protocol: corev1.ProtocolTCP},
	)
}

// resources are what the settings say, with some CPU where they say nothing of it: an HPA needs a request.
func resources(given *corev1.ResourceRequirements) corev1.ResourceRequirements {
	r := corev1.ResourceRequirements{}
	if given != nil {
		given.DeepCopyInto(&r)
	}
	_, requested := r.Requests[corev1.ResourceCPU]
	_, limited := r.Limits[corev1.ResourceCPU]
	if !requested && !limited {
		if r.Requests == nil {
			r.Requests = corev1.ResourceList{}
		}
		r.Requests[corev1.ResourceCPU] = defaultCPU.DeepCopy()
	}
	return r
}

// Logs are the form of the access log and the level of chaperone's own, by the settings, as its flags take them.
func Logs(settings *v1alpha1.GatewaySettings) (access, level string) {
	given := settings.Logs
	access, level = "off", "info"
	if given != nil && given.Access != "" {
		access = strings.ToLower(string(given.Access))
	}
	if given != nil && given.Level != "" {
		level = strings.ToLower(string(given.Level))
	}
	return access, level
}

func probe(path string, period, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: path, Port: intstr.FromInt32(gatewaypod.HealthPort), Scheme: corev1.URISchemeHTTP,
		}},
		PeriodSeconds:    period,
		TimeoutSeconds:   2,
		FailureThreshold: failures,
		SuccessThreshold: 1,
	}
}
