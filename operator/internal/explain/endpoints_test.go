package explain

import (
	"testing"

	"github.com/stretchr/testify/assert"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func slice(service, portName string, endpoints ...discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
	port := int32(8080)
	return &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "shop", Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   endpoints,
		Ports:       []discoveryv1.EndpointPort{{Name: &portName, Port: &port}},
	}
}

func endpoint(address string, ready, serving, terminating *bool) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{
		Addresses:  []string{address},
		Conditions: discoveryv1.EndpointConditions{Ready: ready, Serving: serving, Terminating: terminating},
	}
}

func TestEndpointsAreThoseThatCanTakeRequests(t *testing.T) {
	yes, no := true, false
	cases := map[string]struct {
		slices []*discoveryv1.EndpointSlice
		want   []string
	}{
		"conditions that are not known count as ready":  {[]*discoveryv1.EndpointSlice{slice("cart", "http", endpoint("1.1.1.1", nil, nil, nil))}, []string{"1.1.1.1"}},
		"what is not ready is left out":                 {[]*discoveryv1.EndpointSlice{slice("cart", "http", endpoint("1.1.1.1", &yes, nil, nil), endpoint("1.1.1.2", &no, &yes, &yes))}, []string{"1.1.1.1"}},
		"what terminates serves where nothing is ready": {[]*discoveryv1.EndpointSlice{slice("cart", "http", endpoint("1.1.1.2", &no, &yes, &yes), endpoint("1.1.1.3", &no, &no, &yes))}, []string{"1.1.1.2"}},
		"several slices are one service":                {[]*discoveryv1.EndpointSlice{slice("cart", "http", endpoint("1.1.1.1", nil, nil, nil)), slice("cart", "http", endpoint("1.1.1.2", nil, nil, nil), endpoint("1.1.1.1", nil, nil, nil))}, []string{"1.1.1.1", "1.1.1.2"}},
		"another service's slice":                       {[]*discoveryv1.EndpointSlice{slice("other", "http", endpoint("1.1.1.1", nil, nil, nil))}, nil},
		"another port's name":                           {[]*discoveryv1.EndpointSlice{slice("cart", "metrics", endpoint("1.1.1.1", nil, nil, nil))}, nil},
		"no slice at all":                               {nil, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			found := resolve([]routing.Service{{ID: "shop/cart:80", Namespace: "shop", Name: "cart", Port: 80, PortName: "http"}}, c.slices)
			var want []ghostconf.Endpoint
			for _, address := range c.want {
				want = append(want, ghostconf.Endpoint{Address: address, Port: 8080})
			}
			assert.Equal(t, want, found["shop/cart:80"])
		})
	}
}
