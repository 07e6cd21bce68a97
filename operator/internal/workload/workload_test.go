package workload_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/gatewaytest"
	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
	"github.com/varnish-gateway/gateway/shared/routing"
)

var update = flag.Bool("update", false, "write the expected objects anew")

// plain is a Gateway that asks for nothing special.
func plain() workload.Gateway {
	return workload.Gateway{
		Controller: "example.org/controller",
		Object:     gatewaytest.Gateway("shop", "edge", nil),
		Sockets:    []model.Socket{{Protocol: routing.ProtocolHTTP, Port: 80}},
		Image:      "registry.example/gateway:1",
	}
}

// full is a Gateway that asks for everything.
func full() workload.Gateway {
	g := plain()
	g.Object.Spec.Infrastructure = &gatewayv1.GatewayInfrastructure{
		Labels:      map[gatewayv1.LabelKey]gatewayv1.LabelValue{"team": "web", "app.kubernetes.io/managed-by": "somebody"},
		Annotations: map[gatewayv1.AnnotationKey]gatewayv1.AnnotationValue{"note": "infra"},
	}
	g.Sockets = append(g.Sockets, model.Socket{Protocol: routing.ProtocolHTTPS, Port: 443, ProxyProtocol: true})
	g.Settings = v1alpha1.GatewaySettings{
		Image: "registry.example/other:2",
		Resources: &corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2")},
			Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("2Gi")},
		},
		VarnishdExtraArgs: []string{"-p", "thread_pool_max=500"},
		Storage:           &v1alpha1.Storage{Size: resource.MustParse("1Gi")},
		PodTemplate: &v1alpha1.PodTemplate{
			Labels:            map[string]string{"tier": "edge", workload.LabelGateway: "forged"},
			Annotations:       map[string]string{"scrape": "yes"},
			NodeSelector:      map[string]string{"disk": "ssd"},
			Tolerations:       []corev1.Toleration{{Key: "edge", Operator: corev1.TolerationOpExists}},
			ImagePullSecrets:  []corev1.LocalObjectReference{{Name: "pull"}},
			PriorityClassName: "high",
			Affinity:          &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{}},
			TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
				MaxSkew: 1, TopologyKey: "zone", WhenUnsatisfiable: corev1.ScheduleAnyway,
			}},
		},
		Service: &v1alpha1.Service{
			Type:                     corev1.ServiceTypeLoadBalancer,
			Annotations:              map[string]string{"lb": "internal"},
			ExternalTrafficPolicy:    corev1.ServiceExternalTrafficPolicyLocal,
			LoadBalancerSourceRanges: []string{"10.0.0.0/8"},
		},
		Limits: &v1alpha1.Limits{
			MaxTLSConnections: ptr.To[int32](2000), MaxTLSConnectionsPerAddress: ptr.To[int32](100),
			MaxBackendRequests: ptr.To[int32](800), MaxBackendRequestsPerService: ptr.To[int32](400),
			RequestTimeout: ptr.To[gatewayv1.Duration]("10m"), IdleTimeout: ptr.To[gatewayv1.Duration]("5m30s"),
			DrainTimeout: ptr.To[gatewayv1.Duration]("2m"),
		},
		Logs:                &v1alpha1.Logs{Access: v1alpha1.AccessLogJSON, Level: v1alpha1.LogLevelDebug},
		PodDisruptionBudget: &v1alpha1.PodDisruptionBudget{MinAvailable: gatewaytest.Ref(intstr.FromInt32(1))},
	}
	return g
}

func objects(t *testing.T, g workload.Gateway) []client.Object {
	deployment, err := g.Deployment()
	require.NoError(t, err)
	own, ownBinding := g.EndpointsAccess("shop")
	other, otherBinding := g.EndpointsAccess("backends")
	list := []client.Object{
		g.ServiceAccount(), g.Role(), g.RoleBinding(), own, ownBinding, other, otherBinding, g.Service(), deployment,
		g.Config([]byte("vcl 4.1;\n")), g.Shard("07", []byte("{}")),
	}
	if budget := g.Budget(); budget != nil {
		list = append(list, budget)
	}
	return list
}

func TestTheObjectsOfAGateway(t *testing.T) {
	for name, g := range map[string]workload.Gateway{"plain": plain(), "full": full()} {
		t.Run(name, func(t *testing.T) {
			var documents []string
			for _, object := range objects(t, g) {
				text, err := yaml.Marshal(object)
				require.NoError(t, err)
				documents = append(documents, string(text))
			}
			got, path := strings.Join(documents, "---\n"), filepath.Join("testdata", name+".yaml")
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, string(want), got, "run: go test ./internal/workload -update")
		})
	}
}

func TestReplicasAreNobodysButTheUsers(t *testing.T) {
	deployment, err := full().Deployment()
	require.NoError(t, err)
	assert.Nil(t, deployment.Spec.Replicas)
}

func TestWhatRollsPods(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*workload.Gateway)
		rolls  bool
	}{
		"nothing":                    {func(*workload.Gateway) {}, false},
		"another generation":         {func(g *workload.Gateway) { g.Object.Generation++ }, false},
		"a listener on an open port": {func(g *workload.Gateway) { g.Object.Spec.Listeners = make([]gatewayv1.Listener, 3) }, false},
		"a Service of another type":  {func(g *workload.Gateway) { g.Settings.Service.Type = corev1.ServiceTypeClusterIP }, false},
		"a PodDisruptionBudget":      {func(g *workload.Gateway) { g.Settings.PodDisruptionBudget = nil }, false},
		"X-Varnish":                  {func(g *workload.Gateway) { g.Settings.XVarnish = new(true) }, false},
		"trusted hops":               {func(g *workload.Gateway) { g.Settings.TrustedHops = []string{"10.0.0.0/8"} }, false},
		"a port": {func(g *workload.Gateway) {
			g.Sockets = append(g.Sockets, model.Socket{Protocol: routing.ProtocolHTTP, Port: 8080})
		}, true},
		"the PROXY protocol on a port":  {func(g *workload.Gateway) { g.Sockets[1].ProxyProtocol = false }, true},
		"the image":                     {func(g *workload.Gateway) { g.Settings.Image = "registry.example/other:3" }, true},
		"an argument of varnishd":       {func(g *workload.Gateway) { g.Settings.VarnishdExtraArgs = nil }, true},
		"the cache's size":              {func(g *workload.Gateway) { g.Settings.Storage = nil }, true},
		"resources":                     {func(g *workload.Gateway) { g.Settings.Resources = nil }, true},
		"a label of the pods":           {func(g *workload.Gateway) { g.Settings.PodTemplate.Labels["x"] = "y" }, true},
		"a label of the infrastructure": {func(g *workload.Gateway) { g.Object.Spec.Infrastructure.Labels["x"] = "y" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			before, err := full().Deployment()
			require.NoError(t, err)
			changed := full()
			c.change(&changed)
			after, err := changed.Deployment()
			require.NoError(t, err)
			require.NotEmpty(t, workload.InfraHash(before))
			assert.Equal(t, c.rolls, workload.InfraHash(before) != workload.InfraHash(after))
		})
	}
}

func TestThePodsArgumentsAreNotTakenFromTheSettingsTwice(t *testing.T) {
	g := full()
	first, err := g.Deployment()
	require.NoError(t, err)
	second, err := g.Deployment()
	require.NoError(t, err)
	assert.Equal(t, first, second, "rendering changes nothing of what it is given")
}

func TestTheCacheLeavesRoomBelowTheMemoryLimit(t *testing.T) {
	for name, c := range map[string]struct {
		limit, size string
		want        int64
	}{
		"no limit, no size":      {"", "", v1alpha1.DefaultStorage},
		"a size":                 {"", "1Gi", 1 << 30},
		"a limit that is roomy":  {"1Gi", "", v1alpha1.DefaultStorage},
		"a limit that is narrow": {"160Mi", "", 32 << 20},
		"a limit below the rest": {"64Mi", "", 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			var s v1alpha1.GatewaySettings
			if c.limit != "" {
				s.Resources = &corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(c.limit)}}
			}
			if c.size != "" {
				s.Storage = &v1alpha1.Storage{Size: resource.MustParse(c.size)}
			}
			assert.Equal(t, c.want, s.StorageSize())
		})
	}
}
