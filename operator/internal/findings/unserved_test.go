package findings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/operator/internal/findings"
	"github.com/varnish-gateway/gateway/operator/internal/manifest"
)

func TestServicesWithoutEndpointsAreNamed(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {ports: [{name: http, port: 80}]}\n"
	slice := func(labels, endpoints, ports string) string {
		return "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: shop-1, labels: {" + labels + "}}\n" +
			"addressType: IPv4\nendpoints: [" + endpoints + "]\nports: [" + ports + "]\n"
	}
	const label, endpoint, port = "kubernetes.io/service-name: shop", "{addresses: [10.0.0.1]}", "{name: http, port: 8080}"
	for sentence, c := range map[string]struct {
		manifests string
		want      []string
	}{
		"one that has endpoints": {service + slice(label, endpoint, port), nil},
		"one without a slice":    {service, []string{"a.yaml:1: Service default/shop: it has no endpoints: no EndpointSlice has the label kubernetes.io/service-name: shop"}},
		"one whose label has a slip": {service + slice("kubernetes.io/service-nam: shop", endpoint, port),
			[]string{"a.yaml:1: Service default/shop: it has no endpoints: no EndpointSlice has the label kubernetes.io/service-name: shop"}},
		"one whose slice names another port": {service + slice(label, endpoint, "{name: web, port: 8080}"),
			[]string{`a.yaml:1: Service default/shop: spec.ports[0].name: no EndpointSlice of the Service has a port with the name "http"`}},
		"one whose slice names no port": {service + slice(label, endpoint, "{port: 8080}"),
			[]string{`a.yaml:1: Service default/shop: spec.ports[0].name: no EndpointSlice of the Service has a port with the name "http"`}},
		"one whose endpoints are not ready": {service + slice(label, "{addresses: [10.0.0.1], conditions: {ready: false}}", port),
			[]string{"a.yaml:1: Service default/shop: none of its endpoints is ready"}},
		"a name of elsewhere": {"apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {type: ExternalName, externalName: a.example}\n", nil},
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(c.manifests), 0o600))
		reader, err := manifest.NewReader(dir)
		require.NoError(t, err)
		set, err := reader.Read()
		require.NoError(t, err)
		require.Empty(t, set.Problems, sentence)
		var found []string
		for _, problem := range findings.Unserved(set) {
			found = append(found, strings.TrimPrefix(problem.String(), dir+"/"))
		}
		assert.Equal(t, c.want, found, sentence)
	}
}
