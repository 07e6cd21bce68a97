package endpoints

import (
	"fmt"
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// builder makes EndpointSlices of the Service "shop/web".
type builder struct{ slice discoveryv1.EndpointSlice }

func newSlice(name string) *builder {
	b := &builder{}
	b.slice.Namespace, b.slice.Name = "shop", name
	b.slice.Labels = map[string]string{discoveryv1.LabelServiceName: "web"}
	b.slice.AddressType = discoveryv1.AddressTypeIPv4
	return b
}

func (b *builder) of(service string) *builder {
	b.slice.Labels = map[string]string{discoveryv1.LabelServiceName: service}
	return b
}

func (b *builder) kind(kind discoveryv1.AddressType) *builder {
	b.slice.AddressType = kind
	return b
}

func (b *builder) port(name string, number int32) *builder {
	b.slice.Ports = append(b.slice.Ports, discoveryv1.EndpointPort{Name: ptr.To(name), Port: ptr.To(number)})
	return b
}

func (b *builder) rawPort(port discoveryv1.EndpointPort) *builder {
	b.slice.Ports = append(b.slice.Ports, port)
	return b
}

// conditions are ready, serving, terminating.
func (b *builder) endpoint(conditions discoveryv1.EndpointConditions, addresses ...string) *builder {
	b.slice.Endpoints = append(b.slice.Endpoints, discoveryv1.Endpoint{Addresses: addresses, Conditions: conditions})
	return b
}

// pod is endpoint with the pod behind it.
func (b *builder) pod(uid types.UID, conditions discoveryv1.EndpointConditions, addresses ...string) *builder {
	b.endpoint(conditions, addresses...)
	b.slice.Endpoints[len(b.slice.Endpoints)-1].TargetRef = &corev1.ObjectReference{Kind: "Pod", UID: uid}
	return b
}

var (
	isReady    = discoveryv1.EndpointConditions{Ready: ptr.To(true), Serving: ptr.To(true), Terminating: ptr.To(false)}
	notReady   = discoveryv1.EndpointConditions{Ready: ptr.To(false), Serving: ptr.To(false), Terminating: ptr.To(false)}
	isLeaving  = discoveryv1.EndpointConditions{Ready: ptr.To(false), Serving: ptr.To(true), Terminating: ptr.To(true)}
	isGone     = discoveryv1.EndpointConditions{Ready: ptr.To(false), Serving: ptr.To(false), Terminating: ptr.To(true)}
	saysNil    = discoveryv1.EndpointConditions{}
	nilServing = discoveryv1.EndpointConditions{Ready: ptr.To(false), Terminating: ptr.To(true)}
)

var web = Service{"shop", "web"}

func TestEndpoints(t *testing.T) {
	many := newSlice("many").port("http", 8080)
	var manyWant []string
	for i := range 250 {
		many.endpoint(isReady, fmt.Sprintf("10.0.%d.%d", i/100, i%100))
		manyWant = append(manyWant, fmt.Sprintf("10.0.%d.%d:8080", i/100, i%100))
	}
	http := func(name string) *builder { return newSlice(name).port("http", 8080) }
	tests := map[string]struct {
		slices []*builder
		want   []string
	}{
		"no slice, no endpoints":             {},
		"a slice without endpoints":          {slices: []*builder{http("a")}},
		"a slice without ports":              {slices: []*builder{newSlice("a").endpoint(isReady, "10.0.0.1")}},
		"a ready endpoint":                   {slices: []*builder{http("a").endpoint(isReady, "10.0.0.1")}, want: []string{"10.0.0.1:8080"}},
		"conditions that say nothing: ready": {slices: []*builder{http("a").endpoint(saysNil, "10.0.0.1")}, want: []string{"10.0.0.1:8080"}},
		"one that is not ready is left out":  {slices: []*builder{http("a").endpoint(isReady, "10.0.0.1").endpoint(notReady, "10.0.0.2")}, want: []string{"10.0.0.1:8080"}},
		"one that leaves while another is ready is left out": {
			slices: []*builder{http("a").endpoint(isReady, "10.0.0.1").endpoint(isLeaving, "10.0.0.2")}, want: []string{"10.0.0.1:8080"},
		},
		"those that leave but serve are taken when none is ready": {
			slices: []*builder{http("a").endpoint(isLeaving, "10.0.0.1").endpoint(notReady, "10.0.0.2").endpoint(isGone, "10.0.0.3")},
			want:   []string{"10.0.0.1:8080"},
		},
		"serving that is not said is what ready is": {slices: []*builder{http("a").endpoint(nilServing, "10.0.0.1")}},
		"several slices are one service": {
			slices: []*builder{http("b").endpoint(isReady, "10.0.0.2"), http("a").endpoint(isReady, "10.0.0.1")},
			want:   []string{"10.0.0.1:8080", "10.0.0.2:8080"},
		},
		"readiness is judged over all slices": {
			slices: []*builder{http("a").endpoint(isLeaving, "10.0.0.1"), http("b").endpoint(isReady, "10.0.0.2")},
			want:   []string{"10.0.0.2:8080"},
		},
		"an endpoint in two slices is there once": {
			slices: []*builder{http("a").endpoint(isReady, "10.0.0.1"), http("b").endpoint(isReady, "10.0.0.1")},
			want:   []string{"10.0.0.1:8080"},
		},
		"of an endpoint in two slices the better word counts": {
			slices: []*builder{http("a").endpoint(notReady, "10.0.0.1"), http("b").endpoint(isReady, "10.0.0.1")},
			want:   []string{"10.0.0.1:8080"},
		},
		"a pod with an address of each family is there once": {
			slices: []*builder{
				http("six").kind(discoveryv1.AddressTypeIPv6).pod("a", isReady, "2001:db8::1").pod("b", isReady, "2001:db8::2"),
				http("four").pod("a", isReady, "10.0.0.1").pod("b", isReady, "10.0.0.2"),
			},
			want: []string{"10.0.0.1:8080", "10.0.0.2:8080"},
		},
		"with the address that is ready": {
			slices: []*builder{
				http("six").kind(discoveryv1.AddressTypeIPv6).pod("a", isReady, "2001:db8::1"),
				http("four").pod("a", notReady, "10.0.0.1"),
			},
			want: []string{"[2001:db8::1]:8080"},
		},
		"a pod that serves two ports under one name is two endpoints": {
			slices: []*builder{http("a").pod("a", isReady, "10.0.0.1"), newSlice("b").port("http", 9090).pod("a", isReady, "10.0.0.1")},
			want:   []string{"10.0.0.1:8080", "10.0.0.1:9090"},
		},
		"both families where nobody knows what is behind them": {
			slices: []*builder{
				http("six").kind(discoveryv1.AddressTypeIPv6).endpoint(isReady, "2001:db8::1"),
				http("four").endpoint(isReady, "10.0.0.1"),
			},
			want: []string{"10.0.0.1:8080", "[2001:db8::1]:8080"},
		},
		"two spellings of one address are one endpoint": {
			slices: []*builder{
				http("a").kind(discoveryv1.AddressTypeIPv6).endpoint(isReady, "2001:db8:0::1"),
				http("b").kind(discoveryv1.AddressTypeIPv6).endpoint(isReady, "2001:DB8::1"),
			},
			want: []string{"[2001:db8::1]:8080"},
		},
		"slices may map one port name to different numbers": {
			slices: []*builder{newSlice("a").port("http", 8080).endpoint(isReady, "10.0.0.1"), newSlice("b").port("http", 9090).endpoint(isReady, "10.0.0.2")},
			want:   []string{"10.0.0.1:8080", "10.0.0.2:9090"},
		},
		"another port's number is not taken": {
			slices: []*builder{newSlice("a").port("metrics", 9090).port("http", 8080).endpoint(isReady, "10.0.0.1")},
			want:   []string{"10.0.0.1:8080"},
		},
		"a UDP port of the same name is another one": {
			slices: []*builder{newSlice("a").rawPort(discoveryv1.EndpointPort{Name: ptr.To("http"), Port: ptr.To[int32](53), Protocol: ptr.To(corev1.ProtocolUDP)}).endpoint(isReady, "10.0.0.1")},
		},
		"a port without a number cannot be dialled": {
			slices: []*builder{newSlice("a").rawPort(discoveryv1.EndpointPort{Name: ptr.To("http")}).endpoint(isReady, "10.0.0.1")},
		},
		"another service's slice":                 {slices: []*builder{http("a").of("other").endpoint(isReady, "10.0.0.1")}},
		"a slice of nobody":                       {slices: []*builder{http("a").of("").endpoint(isReady, "10.0.0.1")}},
		"names instead of addresses are left out": {slices: []*builder{http("a").kind(discoveryv1.AddressTypeFQDN).endpoint(isReady, "example.com")}},
		"an address that is none is left out":     {slices: []*builder{http("a").endpoint(isReady, "10.0.0.256").endpoint(isReady, "10.0.0.1")}, want: []string{"10.0.0.1:8080"}},
		"more than a hundred endpoints":           {slices: []*builder{many}, want: manyWant},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			table := NewTable()
			for _, b := range test.slices {
				table.Set(&b.slice)
			}
			assert.ElementsMatch(t, test.want, show(table.Endpoints(web, "http")))
		})
	}
}

func TestAPortWithoutANameIsMatchedByTheEmptyName(t *testing.T) {
	table := NewTable()
	table.Set(&newSlice("a").rawPort(discoveryv1.EndpointPort{Port: ptr.To[int32](80)}).endpoint(isReady, "10.0.0.1").slice)
	assert.Equal(t, []string{"10.0.0.1:80"}, show(table.Endpoints(web, "")))
	assert.Empty(t, table.Endpoints(web, "http"))
}

func TestASliceThatChangesHandsIsTakenFromTheOldService(t *testing.T) {
	table := NewTable()
	assert.Equal(t, []Service{web}, table.Set(&newSlice("a").port("http", 80).endpoint(isReady, "10.0.0.1").slice))
	other := Service{"shop", "other"}
	assert.Equal(t, []Service{web, other}, table.Set(&newSlice("a").of("other").port("http", 80).endpoint(isReady, "10.0.0.1").slice))
	assert.Empty(t, table.Endpoints(web, "http"))
	assert.Len(t, table.Endpoints(other, "http"), 1)
}

func TestADeletedSliceLeavesTheOthers(t *testing.T) {
	table := NewTable()
	table.Set(&newSlice("a").port("http", 80).endpoint(isReady, "10.0.0.1").slice)
	table.Set(&newSlice("b").port("http", 80).endpoint(isReady, "10.0.0.2").slice)
	assert.Equal(t, []Service{web}, table.Delete("shop", "a"))
	assert.Equal(t, []string{"10.0.0.2:80"}, show(table.Endpoints(web, "http")))
	assert.Empty(t, table.Delete("shop", "a"), "what is not there affects nobody")
	table.Delete("shop", "b")
	assert.Empty(t, table.names, "nothing is kept of what is gone")
}

func TestTheOrderOfEventsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var slices []discoveryv1.EndpointSlice
		for i := range rapid.IntRange(1, 5).Draw(t, "slices") {
			b := newSlice(fmt.Sprint(i)).port("http", 80)
			for range rapid.IntRange(0, 4).Draw(t, "endpoints") {
				conditions := rapid.SampledFrom([]discoveryv1.EndpointConditions{isReady, notReady, isLeaving, saysNil}).Draw(t, "conditions")
				uid := rapid.SampledFrom([]types.UID{"", "a", "b"}).Draw(t, "pod")
				b.pod(uid, conditions, fmt.Sprintf("10.0.0.%d", rapid.IntRange(1, 9).Draw(t, "address")))
			}
			slices = append(slices, b.slice)
		}
		forth, back := NewTable(), NewTable()
		for i := range slices {
			forth.Set(&slices[i])
			back.Set(&slices[len(slices)-1-i])
		}
		// Events come again after a watch was resumed.
		again := rapid.SampledFrom(slices).Draw(t, "again")
		back.Set(&again)
		assert.Equal(t, forth.Endpoints(web, "http"), back.Endpoints(web, "http"))
	})
}

func show(endpoints []ghostconf.Endpoint) []string {
	var list []string
	for _, e := range endpoints {
		list = append(list, net.JoinHostPort(e.Address, strconv.Itoa(int(e.Port))))
	}
	return list
}
