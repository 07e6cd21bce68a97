package crds

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

func TestEverySchemaCompiles(t *testing.T) {
	registry, err := Default()
	require.NoError(t, err)
	for gvk, s := range registry.schemas {
		t.Run(gvk.String(), func(t *testing.T) {
			_, err := s.compile()
			assert.NoError(t, err)
		})
	}
}

func TestAdmitSaysWhatAnAPIServerWould(t *testing.T) {
	cases := map[string]struct {
		kind, version, text string
		want                []Violation
	}{
		"a sound object has no violations": {
			"Gateway", "v1", `spec: {gatewayClassName: varnish, listeners: [{name: web, port: 80, protocol: HTTP}]}`, nil,
		},
		"status is not the user's, and is not looked at": {
			"Gateway", "v1", `{spec: {gatewayClassName: varnish, listeners: [{name: web, port: 80, protocol: HTTP}]}, status: {listeners: 7}}`, nil,
		},
		"a required field is missing": {
			"Gateway", "v1", `spec: {gatewayClassName: varnish, listeners: [{port: 80, protocol: HTTP}]}`,
			[]Violation{{"spec.listeners[0].name", "Required value"}},
		},
		"two items have the key of one": {
			"Gateway", "v1", `spec: {gatewayClassName: varnish, listeners: [{name: a, port: 80, protocol: HTTP}, {name: a, port: 81, protocol: HTTP}]}`,
			[]Violation{
				{"spec.listeners[1]", `Duplicate value: {"name":"a"}`},
				{"spec.listeners", "Listener name must be unique within the Gateway"},
			},
		},
		"a CEL rule over several fields is broken": {
			"Gateway", "v1", `spec: {gatewayClassName: varnish, listeners: [{name: web, port: 80, protocol: HTTP, tls: {certificateRefs: [{name: c}]}}]}`,
			[]Violation{{"spec.listeners", "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']"}},
		},
	}
	registry, err := Default()
	require.NoError(t, err)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := registry.Lookup(schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: c.version, Kind: c.kind})
			require.NotNil(t, s)
			obj := map[string]any{}
			data, err := yaml.YAMLToJSON([]byte(c.text))
			require.NoError(t, err)
			require.NoError(t, kjson.UnmarshalCaseSensitivePreserveInts(data, &obj))
			obj["apiVersion"], obj["kind"] = "gateway.networking.k8s.io/"+c.version, c.kind
			obj["metadata"] = map[string]any{"name": "x"}
			found, err := s.Admit(obj)
			require.NoError(t, err)
			require.Len(t, found, len(c.want), "%v", found)
			for i, want := range c.want {
				assert.Equal(t, want.Field, found[i].Field)
				assert.Contains(t, found[i].Message, want.Message)
			}
			assert.NotContains(t, obj, "status")
		})
	}
}
