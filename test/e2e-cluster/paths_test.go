//go:build cluster

package e2ecluster

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// subject is a Gateway whose every setting a test can change.
type subject struct {
	namespace, class, address string
	// What is set now.
	parameters, listeners string
}

// newSubject makes it, of a class of its own with user VCL that tells its name in an answer, and with a route to the backend one.
func newSubject(t *testing.T, name string) *subject {
	t.Helper()
	s := &subject{namespace: namespace(t), class: name, parameters: "{}", listeners: http80}
	backend(t, s.namespace, "one", 1)
	s.vcl(t, "first")
	class(t, s.class, "{vcl: {namespace: "+s.namespace+", name: vcl}, allowedOverrides: [Image, VarnishdExtraArgs, TrustedHops]}")
	s.apply(t)
	s.address = programmed(t, s.namespace, "web")
	apply(t, s.namespace, route("one", "web", "/one", "one"))
	answers(t, s.address, "/one", 200)
	return s
}

// apply applies what is set.
func (s *subject) apply(t *testing.T) {
	t.Helper()
	apply(t, s.namespace, parameters("web", s.parameters)+gatewayOf(s.class, "web", s.listeners, "web"))
}

// set changes the parameters.
func (s *subject) set(t *testing.T, parameters string) {
	t.Helper()
	s.parameters = parameters
	s.apply(t)
}

// vcl makes the user VCL one that sets the header X-VCL.
func (s *subject) vcl(t *testing.T, name string) {
	t.Helper()
	apply(t, s.namespace, fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: vcl}\ndata:\n  main.vcl: |\n    sub vcl_deliver { set resp.http.X-VCL = %q; }\n", name))
}

// runsVCL waits until an answer has the header of the user VCL.
func (s *subject) runsVCL(t *testing.T, name string) {
	t.Helper()
	eventually(t, "the VCL "+name, func() error {
		response, err := http.Get("http://" + s.address + "/one")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if got := response.Header.Get("X-VCL"); got != name {
			return fmt.Errorf("it is %q", got)
		}
		return nil
	})
}

// pods of the Gateway, with their start times.
func (s *subject) pods(t *testing.T) map[string]string { return pods(t, s.namespace, "web") }

// TestThreePathsOfAChange: what travels as routing or as VCL leaves pods alone, what is of the pod template rolls them.
// The pods' start times are the witness.
func TestThreePathsOfAChange(t *testing.T) {
	s := newSubject(t, "e2e-paths")
	ns := s.namespace
	backend(t, ns, "two", 1)
	require.Len(t, s.pods(t), 1)
	image := imageName("gateway") + ":" + anotherTag(t, "gateway", "GATEWAY", "paths")

	for _, row := range []struct {
		name string
		// change something, and wait until it has taken effect, if pods stay.
		change func(t *testing.T)
		rolls  bool
	}{
		{"a route", func(t *testing.T) {
			apply(t, ns, route("two", "web", "/two", "two"))
			answers(t, s.address, "/two", 200)
		}, false},
		{"an endpoint", func(t *testing.T) {
			scale(t, ns, "two", 0)
			answers(t, s.address, "/two", 503)
			do(t, "-n", ns, "scale", "deployment", "two", "--replicas=1")
			answers(t, s.address, "/two", 200)
		}, false},
		{"user VCL", func(t *testing.T) {
			s.vcl(t, "second")
			s.runsVCL(t, "second")
		}, false},
		{"a listener on a port that is open", func(t *testing.T) {
			s.listeners += ", {name: shop, port: 80, protocol: HTTP, hostname: shop.example}"
			s.apply(t)
			programmed(t, ns, "web")
		}, false},
		{"trusted hops", func(t *testing.T) {
			s.set(t, "{trustedHops: [10.9.0.0/16]}")
			eventually(t, "trusted hops to be published", func() error {
				out, err := kubectl(t.Context(), "", "-n", ns, "get", "configmap", "web-varnish-gateway", "-o", `jsonpath={.data.routing\.json}`)
				if err == nil && !strings.Contains(out, "10.9.0.0/16") {
					err = fmt.Errorf("routing.json has %d bytes, and no trusted hops", len(out))
				}
				return err
			})
			programmed(t, ns, "web")
		}, false},
		{"an argument of varnishd", func(t *testing.T) { s.set(t, "{varnishdExtraArgs: [-p, default_ttl=5]}") }, true},
		{"the image", func(t *testing.T) { s.set(t, "{image: '"+image+"'}") }, true},
		{"a listener on another port", func(t *testing.T) {
			s.listeners += ", {name: other, port: 8080, protocol: HTTP}"
			s.apply(t)
		}, true},
		{"a restart of the operator", func(t *testing.T) {
			do(t, "-n", operatorNamespace, "rollout", "restart", "deployment/"+operatorName)
			rolledOut(t, operatorNamespace, operatorName)
			apply(t, ns, route("again", "web", "/again", "one"))
			answers(t, s.address, "/again", 200)
		}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := s.pods(t)
			row.change(t)
			if !row.rolls {
				require.Equal(t, before, s.pods(t))
				return
			}
			replaced(t, ns, "web", before)
			s.runsVCL(t, "second")
			ended(t, ns)
		})
	}
	_, _, err := get(t.Context(), s.address+":8080", "/one")
	require.NoError(t, err, "the other port answers")
}

// TestReplicasBelongToWhoeverScales: no change that the operator makes sets the number of pods.
func TestReplicasBelongToWhoeverScales(t *testing.T) {
	s := newSubject(t, "e2e-replicas")
	ns := s.namespace
	image := imageName("gateway") + ":" + anotherTag(t, "gateway", "GATEWAY", "replicas")
	// change goes through every kind of change; round makes each of them another one than the last time.
	change := func(t *testing.T, round, want string) {
		stays := func(after string) {
			t.Helper()
			require.Equal(t, want, replicas(t, ns, "web"), "after a change of %s", after)
			require.Equal(t, want, fmt.Sprint(len(s.pods(t))), "after a change of %s", after)
		}
		rolled := func(after string, change func()) {
			t.Helper()
			before := s.pods(t)
			change()
			replaced(t, ns, "web", before)
			ended(t, ns)
			stays(after)
		}
		apply(t, ns, route(round, "web", "/"+round, "one"))
		answers(t, s.address, "/"+round, 200)
		stays("routes")
		s.vcl(t, round)
		s.runsVCL(t, round)
		stays("VCL")
		rolled("the image", func() { s.set(t, "{image: '"+image+"'}") })
		rolled("arguments and the image back", func() { s.set(t, "{varnishdExtraArgs: [-p, default_ttl="+want+"]}") })
		rolled("ports", func() {
			if s.listeners == http80 {
				s.listeners += ", {name: other, port: 8080, protocol: HTTP}"
			} else {
				s.listeners = http80
			}
			s.apply(t)
		})
	}
	t.Run("by hand", func(t *testing.T) {
		scale(t, ns, "web", 2)
		change(t, "hand", "2")
	})
	t.Run("by an autoscaler", func(t *testing.T) {
		apply(t, ns, "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web}, spec: {minReplicas: 3, maxReplicas: 4, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]}}")
		eventually(t, "the autoscaler's minimum", func() error {
			if n := replicas(t, ns, "web"); n != "3" {
				return fmt.Errorf("%s replicas", n)
			}
			return nil
		})
		rolledOut(t, ns, "web")
		change(t, "autoscaler", "3")
	})
}
