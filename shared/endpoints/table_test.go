package endpoints

import (
	"fmt"
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// builder makes slices of the Service "shop/web".
type builder struct{ slice Slice }

func newSlice(name string) *builder {
	return &builder{Slice{Namespace: "shop", Name: name, Service: "web", AddressType: "IPv4"}}
}

func (b *builder) of(service string) *builder {
	b.slice.Service = service
	return b
}

func (b *builder) kind(kind string) *builder {
	b.slice.AddressType = kind
	return b
}

func (b *builder) port(name string, number int32) *builder {
	return b.rawPort(Port{Name: name, Number: &number})
}

func (b *builder) rawPort(port Port) *builder {
	b.slice.Ports = append(b.slice.Ports, port)
	return b
}

// conditions of an endpoint; nil is one that is not said.
type conditions struct{ ready, serving, terminating *bool }

func (b *builder) endpoint(c conditions, addresses ...string) *builder {
	return b.pod("", c, addresses...)
}

// pod is endpoint with the UID of the pod behind it.
func (b *builder) pod(uid string, c conditions, addresses ...string) *builder {
	b.slice.Endpoints = append(b.slice.Endpoints, Endpoint{
		Addresses: addresses, Ready: c.ready, Serving: c.serving, Terminating: c.terminating, Target: uid,
	})
	return b
}

var (
	isReady    = conditions{new(true), new(true), new(false)}
	notReady   = conditions{new(false), new(false), new(false)}
	isLeaving  = conditions{new(false), new(true), new(true)}
	isGone     = conditions{new(false), new(false), new(true)}
	saysNil    = conditions{}
	nilServing = conditions{ready: new(false), terminating: new(true)}
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
				http("six").kind("IPv6").pod("a", isReady, "2001:db8::1").pod("b", isReady, "2001:db8::2"),
				http("four").pod("a", isReady, "10.0.0.1").pod("b", isReady, "10.0.0.2"),
			},
			want: []string{"10.0.0.1:8080", "10.0.0.2:8080"},
		},
		"with the address that is ready": {
			slices: []*builder{
				http("six").kind("IPv6").pod("a", isReady, "2001:db8::1"),
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
				http("six").kind("IPv6").endpoint(isReady, "2001:db8::1"),
				http("four").endpoint(isReady, "10.0.0.1"),
			},
			want: []string{"10.0.0.1:8080", "[2001:db8::1]:8080"},
		},
		"two spellings of one address are one endpoint": {
			slices: []*builder{
				http("a").kind("IPv6").endpoint(isReady, "2001:db8:0::1"),
				http("b").kind("IPv6").endpoint(isReady, "2001:DB8::1"),
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
			slices: []*builder{newSlice("a").rawPort(Port{Name: "http", Number: new(int32(53)), Protocol: "UDP"}).endpoint(isReady, "10.0.0.1")},
		},
		"a port without a number cannot be dialled": {
			slices: []*builder{newSlice("a").rawPort(Port{Name: "http"}).endpoint(isReady, "10.0.0.1")},
		},
		"another service's slice":                 {slices: []*builder{http("a").of("other").endpoint(isReady, "10.0.0.1")}},
		"a slice of nobody":                       {slices: []*builder{http("a").of("").endpoint(isReady, "10.0.0.1")}},
		"names instead of addresses are left out": {slices: []*builder{http("a").kind("FQDN").endpoint(isReady, "example.com")}},
		"an address that is none is left out":     {slices: []*builder{http("a").endpoint(isReady, "10.0.0.256").endpoint(isReady, "10.0.0.1")}, want: []string{"10.0.0.1:8080"}},
		"more than a hundred endpoints":           {slices: []*builder{many}, want: manyWant},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			table := NewTable()
			for _, b := range test.slices {
				table.Set(b.slice)
			}
			assert.ElementsMatch(t, test.want, show(table.Endpoints(web, "http")))
		})
	}
}

func TestAPortWithoutANameIsMatchedByTheEmptyName(t *testing.T) {
	table := NewTable()
	table.Set(newSlice("a").rawPort(Port{Number: new(int32(80))}).endpoint(isReady, "10.0.0.1").slice)
	assert.Equal(t, []string{"10.0.0.1:80"}, show(table.Endpoints(web, "")))
	assert.Empty(t, table.Endpoints(web, "http"))
}

func TestASliceThatChangesHandsIsTakenFromTheOldService(t *testing.T) {
	table := NewTable()
	assert.Equal(t, []Service{web}, table.Set(newSlice("a").port("http", 80).endpoint(isReady, "10.0.0.1").slice))
	other := Service{"shop", "other"}
	assert.Equal(t, []Service{web, other}, table.Set(newSlice("a").of("other").port("http", 80).endpoint(isReady, "10.0.0.1").slice))
	assert.Empty(t, table.Endpoints(web, "http"))
	assert.Len(t, table.Endpoints(other, "http"), 1)
}

func TestADeletedSliceLeavesTheOthers(t *testing.T) {
	table := NewTable()
	table.Set(newSlice("a").port("http", 80).endpoint(isReady, "10.0.0.1").slice)
	table.Set(newSlice("b").port("http", 80).endpoint(isReady, "10.0.0.2").slice)
	assert.Equal(t, []Service{web}, table.Delete("shop", "a"))
	assert.Equal(t, []string{"10.0.0.2:80"}, show(table.Endpoints(web, "http")))
	assert.Empty(t, table.Delete("shop", "a"), "what is not there affects nobody")
	table.Delete("shop", "b")
	assert.Empty(t, table.names, "nothing is kept of what is gone")
}

func TestTheOrderOfEventsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var slices []Slice
		for i := range rapid.IntRange(1, 5).Draw(t, "slices") {
			b := newSlice(fmt.Sprint(i)).port("http", 80)
			for range rapid.IntRange(0, 4).Draw(t, "endpoints") {
				conditions := rapid.SampledFrom([]conditions{isReady, notReady, isLeaving, saysNil}).Draw(t, "conditions")
				uid := rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "pod")
				b.pod(uid, conditions, fmt.Sprintf("10.0.0.%d", rapid.IntRange(1, 9).Draw(t, "address")))
			}
			slices = append(slices, b.slice)
		}
		forth, back := NewTable(), NewTable()
		for i := range slices {
			forth.Set(slices[i])
			back.Set(slices[len(slices)-1-i])
		}
		// Events come again after a watch was resumed.
		again := rapid.SampledFrom(slices).Draw(t, "again")
		back.Set(again)
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
