package kubernetes_test

import (
	"encoding/json"
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/varnish-gateway/gateway/shared/corpus"
	"github.com/varnish-gateway/gateway/shared/endpoints"
	"github.com/varnish-gateway/gateway/shared/kubernetes"
)

func TestEndpointSlicesMeanWhatTheCorpusSays(t *testing.T) {
	files, err := corpus.AllEndpoints()
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		table := endpoints.NewTable()
		for _, text := range file.Slices {
			var slice discoveryv1.EndpointSlice
			require.NoError(t, json.Unmarshal(text, &slice))
			table.Set(kubernetes.EndpointSlice(&slice))
		}
		for _, c := range file.Cases {
			got := []string{}
			for _, e := range table.Endpoints(endpoints.Service{Namespace: c.Namespace, Name: c.Service}, c.Port) {
				got = append(got, net.JoinHostPort(e.Address, strconv.Itoa(int(e.Port))))
			}
			assert.Equal(t, c.Expect, got, "%s: %s", file.Name, c.Name)
		}
	}
}
