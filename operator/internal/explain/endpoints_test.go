package explain

import (
	"encoding/json"
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/varnish-gateway/gateway/shared/corpus"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestEndpointsAreThoseThatChaperoneHas(t *testing.T) {
	files, err := corpus.AllEndpoints()
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		var slices []*discoveryv1.EndpointSlice
		for _, text := range file.Slices {
			slice := &discoveryv1.EndpointSlice{}
			require.NoError(t, json.Unmarshal(text, slice))
			slices = append(slices, slice)
		}
		for _, c := range file.Cases {
			service := routing.Service{ID: "one", Namespace: c.Namespace, Name: c.Service, PortName: c.Port}
			got := []string{}
			for _, e := range resolve([]routing.Service{service}, slices)["one"] {
				got = append(got, net.JoinHostPort(e.Address, strconv.Itoa(int(e.Port))))
			}
			assert.Equal(t, c.Expect, got, "%s: %s", file.Name, c.Name)
		}
	}
}
