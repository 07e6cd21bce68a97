package local

import (
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestAChaperoneIsStartedWithWhatTheParametersSay(t *testing.T) {
	ofPods := []string{"-p", "vsl_space=20M", "-s", "default=malloc,104857600"}
	cases := map[string]struct {
		options  Options
		settings v1alpha1.GatewaySettings
		varnishd []string
		// access and level of the logs.
		access, level string
		limits        []string
	}{
		"no parameters": {Options{}, v1alpha1.GatewaySettings{}, ofPods, "off", "info", nil},
		"a size of the storage": {
			Options{}, v1alpha1.GatewaySettings{Storage: &v1alpha1.Storage{Size: resource.MustParse("1Mi")}},
			[]string{"-p", "vsl_space=20M", "-s", "default=malloc,1048576"}, "off", "info", nil,
		},
		"a memory limit, which bounds the storage": {
			Options{}, v1alpha1.GatewaySettings{Resources: &corev1.ResourceRequirements{
				Limits: corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(v1alpha1.ReservedMemory+4096*1024, resource.BinarySI)},
			}},
			[]string{"-p", "vsl_space=20M", "-s", "default=malloc,4194304"}, "off", "info", nil,
		},
		"arguments of varnishd, which come last": {
			Options{}, v1alpha1.GatewaySettings{VarnishdExtraArgs: []string{"-p", "vsl_space=40M"}},
			append(ofPods[:len(ofPods):len(ofPods)], "-p", "vsl_space=40M"), "off", "info", nil,
		},
		"limits": {
			Options{}, v1alpha1.GatewaySettings{Limits: &v1alpha1.Limits{IdleTimeout: ptr.To[gatewayv1.Duration]("10m")}},
			ofPods, "off", "info", []string{"--idle-timeout=10m0s"},
		},
		"logs": {
			Options{}, v1alpha1.GatewaySettings{Logs: &v1alpha1.Logs{Access: v1alpha1.AccessLogJSON, Level: "Debug"}},
			ofPods, "json", "debug", nil,
		},
		"logs, and the command line says otherwise": {
			Options{AccessLog: "common", LogLevel: "warn"},
			v1alpha1.GatewaySettings{Logs: &v1alpha1.Logs{Access: v1alpha1.AccessLogJSON, Level: "Debug"}},
			ofPods, "common", "warn", nil,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := &Runner{Options: c.options, endpoints: &endpoints{}}
			l := r.launch(Key{"a", "b"}, nil, translate.Gateway{
				Settings: c.settings, Sockets: []model.Socket{{Protocol: routing.ProtocolHTTP, Port: 80, ProxyProtocol: true}},
			})
			assert.Equal(t, c.varnishd, l.args)
			assert.Equal(t, c.limits, l.limits)
			assert.Equal(t, c.access, l.accessLog)
			assert.Equal(t, c.level, l.logLevel)
			assert.Equal(t, []string{"http-80+proxy"}, l.sockets)
			assert.Equal(t, []int32{80}, l.ports)
		})
	}
}
