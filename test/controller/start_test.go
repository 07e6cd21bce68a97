//go:build apiserver

package controller

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"
)

// elsewhere is a kubeconfig of the cluster at another address.
func elsewhere(t *testing.T, address string) (kubeconfig, server string) {
	t.Helper()
	config, err := clientcmd.LoadFromFile(cluster.kubeconfig)
	require.NoError(t, err)
	for _, each := range config.Clusters {
		at, err := url.Parse(each.Server)
		require.NoError(t, err)
		server, at.Host = at.Host, address
		each.Server = at.String()
	}
	kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(*config, kubeconfig))
	return kubeconfig, server
}

// forward passes connections on.
func forward(t *testing.T, from, to string) {
	t.Helper()
	listener, err := net.Listen("tcp", from)
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer near.Close()
				far, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer far.Close()
				go func() { _, _ = io.Copy(far, near) }()
				_, _ = io.Copy(near, far)
			}()
		}
	}()
}

func TestAnOperatorWaitsForTheAPIServer(t *testing.T) {
	address := freeAddress(t)
	kubeconfig, server := elsewhere(t, address)
	o := launchOperator(t, kubeconfig)
	eventually(t, "the operator to live", func() error { return o.probe("/healthz") })
	eventually(t, "the operator to have asked", func() error {
		if log := o.tail(); !strings.Contains(log, "waiting for what the operator needs") {
			return fmt.Errorf("its log: %s", log)
		}
		return nil
	})
	assert.ErrorContains(t, o.probe("/readyz"), "503")
	// What the operator has open ends before the way to the API server does.
	t.Cleanup(func() { o.stop(t) })
	forward(t, address, server)
	eventually(t, "the operator to be ready", func() error { return o.probe("/readyz") })
	o.stop(t)
}

// TestAnotherOperatorTakesOver when the one that leads stops.
func TestAnotherOperatorTakesOver(t *testing.T) {
	ns := namespace(t)
	elect := []string{"--leader-elect", "--namespace=" + ns}
	holder := func() string {
		lease := &coordinationv1.Lease{}
		if err := cluster.Get(context.Background(), clientKey(ns, "varnish-gateway-operator"), lease); err != nil || lease.Spec.HolderIdentity == nil {
			return ""
		}
		return *lease.Spec.HolderIdentity
	}
	first := startOperator(t, elect...)
	eventually(t, "a leader", func() error {
		if holder() == "" {
			return fmt.Errorf("nobody leads")
		}
		return nil
	})
	leader := holder()
	second := startOperator(t, elect...)
	apply(t, ns, class+"---"+edge)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Pending", "no pod")
	first.idle(t)
	assert.Equal(t, leader, holder())
	assert.Empty(t, second.writes(t), "who does not lead writes nothing")

	first.stop(t)
	apply(t, ns, web)
	eventuallyRoutes(t, ns, "web")
	eventuallyCondition(t, ofRoute(t, ns, "web"), "Accepted", "True", "", "")
	assert.NotEqual(t, leader, holder())
	assert.NotEmpty(t, second.writes(t))
	var services corev1.ServiceList
	require.NoError(t, cluster.List(t.Context(), &services, inNamespace(ns), managed))
	assert.Len(t, services.Items, 1, "what was there is taken over")
}

// Its listener without a certificate makes the message of a Gateway longer than what pods say. What stands after a restart is
// that message, and it must not grow.
func TestARestartWritesNothingWhereAListenerCannotServe(t *testing.T) {
	first := startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: missing}]}}\n---"+web)
	startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.6")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "1 of 2 listeners serve. ")
	first.idle(t)
	first.stop(t)
	second := startOperator(t)
	second.idle(t)
	assert.Empty(t, second.writes(t))
}
