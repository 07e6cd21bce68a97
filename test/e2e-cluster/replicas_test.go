//go:build cluster

package e2ecluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// gatewayObject reads a Gateway.
func gatewayObject(t *testing.T, namespace, name string) *gatewayv1.Gateway {
	t.Helper()
	gateway := &gatewayv1.Gateway{}
	require.NoError(t, json.Unmarshal([]byte(do(t, "-n", namespace, "get", "gateway", name, "-o", "json")), gateway))
	return gateway
}

// eventuallyFailure waits until ReplicaFailure has this reason, and a message that contains what is given.
func eventuallyFailure(t *testing.T, namespace, name, reason, message string) {
	t.Helper()
	eventually(t, "ReplicaFailure "+reason, func() error {
		c := meta.FindStatusCondition(gatewayObject(t, namespace, name).Status.Conditions, "ReplicaFailure")
		if c == nil || c.Reason != reason || !strings.Contains(c.Message, message) {
			return fmt.Errorf("it is %+v", c)
		}
		return nil
	})
}

// listenerProgrammed is the Programmed condition of a listener; nil where it has none.
func listenerProgrammed(t *testing.T, namespace, name, listener string) *metav1.Condition {
	t.Helper()
	for _, l := range gatewayObject(t, namespace, name).Status.Listeners {
		if string(l.Name) == listener {
			return meta.FindStatusCondition(l.Conditions, "Programmed")
		}
	}
	return nil
}

const moreListeners = bothListeners + ", {name: alt, port: 8081, protocol: HTTP}"

// TestAPortIsProgrammedOnlyOnceItIsOpen in a roll-out that a quota keeps from beginning, and when it goes on.
func TestAPortIsProgrammedOnlyOnceItIsOpen(t *testing.T) {
	ns := namespace(t)
	backend(t, ns, "one", 1)
	address := secureGateway(t, ns, "web")
	apply(t, ns, route("one", "web", "/one", "one"))
	answers(t, address, "/one", 200)
	do(t, "-n", ns, "create", "quota", "full", "--hard=pods=2")
	run := steady(t, address, "/one")

	apply(t, ns, gatewayManifest("web", moreListeners))
	eventuallyFailure(t, ns, "web", "FailedCreate", "exceeded quota: full")
	alt := listenerProgrammed(t, ns, "web", "alt")
	require.NotNil(t, alt)
	require.Equal(t, metav1.ConditionFalse, alt.Status)
	require.Contains(t, alt.Message, "has not opened port 8081 for HTTP yet")
	require.Equal(t, metav1.ConditionTrue, listenerProgrammed(t, ns, "web", "http").Status)
	gateway := gatewayObject(t, ns, "web")
	serving := meta.FindStatusCondition(gateway.Status.Conditions, "Programmed")
	require.Equal(t, metav1.ConditionTrue, serving.Status, "the pod of the template before serves")
	require.Less(t, serving.ObservedGeneration, gateway.Generation)

	do(t, "-n", ns, "delete", "quota", "full")
	eventually(t, "the port to be programmed", func() error {
		if c := listenerProgrammed(t, ns, "web", "alt"); c.Status != metav1.ConditionTrue {
			return fmt.Errorf("it is %+v", c)
		}
		return nil
	})
	var pods corev1.PodList
	require.NoError(t, json.Unmarshal([]byte(do(t, "-n", ns, "get", "pods", "-l", "gateway.networking.k8s.io/gateway-name=web", "-o", "json")), &pods))
	open := 0
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp != nil {
			continue
		}
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(pod.Status.PodIP, "8081"), 5*time.Second)
		require.NoError(t, err, "a port that is programmed is open in every pod that stays")
		require.NoError(t, conn.Close())
		open++
	}
	require.Positive(t, open)
	eventually(t, "the failure to be gone", func() error {
		if c := meta.FindStatusCondition(gatewayObject(t, ns, "web").Status.Conditions, "ReplicaFailure"); c != nil {
			return errors.New(c.Message)
		}
		return nil
	})
	ended(t, ns)
	run.end("another port opens", 1)
}

// TestWhyPodsDoNotStartIsTold while the pod of the template before serves.
func TestWhyPodsDoNotStartIsTold(t *testing.T) {
	ns := namespace(t)
	backend(t, ns, "one", 1)
	class(t, ns, "{}")
	apply(t, ns, gatewayOf(ns, "web", http80, ""))
	address := programmed(t, ns, "web")
	apply(t, ns, route("one", "web", "/one", "one"))
	answers(t, address, "/one", 200)
	withParameters := func(spec string) {
		apply(t, "default", fmt.Sprintf("{apiVersion: gateway.varnish.io/v1alpha1, kind: GatewayClassParameters, metadata: {name: %s}, spec: %s}", ns, spec))
	}
	for _, c := range []struct{ parameters, reason, message string }{
		{`{image: "registry.example/none-such:1"}`, "ImagePullBackOff", "none-such"},
		{`{podTemplate: {nodeSelector: {none: such}}}`, "Unschedulable", "node(s) didn't match Pod's node affinity/selector"},
		{`{podTemplate: {priorityClassName: none-such}}`, "FailedCreate", "no PriorityClass with name none-such"},
		// An image of ours that takes no such flags.
		{`{image: "` + imageName("operator") + ":" + version(t, "OPERATOR") + `"}`, "CrashLoopBackOff", "exit code 2"},
		{`{varnishdExtraArgs: ["-p", "none_such=1"]}`, "CrashLoopBackOff", "none_such"},
	} {
		withParameters(c.parameters)
		eventuallyFailure(t, ns, "web", c.reason, c.message)
		answers(t, address, "/one", 200)
		serving := meta.FindStatusCondition(gatewayObject(t, ns, "web").Status.Conditions, "Programmed")
		require.Equal(t, metav1.ConditionTrue, serving.Status, "%s: %s", c.reason, serving.Message)
	}
	withParameters("{varnishdExtraArgs: []}")
	eventually(t, "the failure to be gone", func() error {
		if c := meta.FindStatusCondition(gatewayObject(t, ns, "web").Status.Conditions, "ReplicaFailure"); c != nil {
			return errors.New(c.Message)
		}
		return nil
	})
}
