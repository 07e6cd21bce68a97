//go:build apiserver

package controller

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/test/certificate"
)

const tlsPolicy = `
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: secure}
spec:
  targetRefs: [{group: "", kind: Service, name: web}]
  validation: {wellKnownCACertificates: System, hostname: web.example.org}
`

// HTTPBackendRef of the Gateway API: a BackendTLSPolicy that cannot be met makes the backendRef invalid.
func TestAPolicyThatAsksForTLSIsToldOfWhereItMatters(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+web)
	eventuallyCondition(t, ofRoute(t, ns, "web"), "ResolvedRefs", "True", "", "")
	apply(t, ns, tlsPolicy)
	eventuallyCondition(t, ofRoute(t, ns, "web"), "ResolvedRefs", "False", "UnsupportedProtocol", `BackendTLSPolicy "`+ns+`/secure"`)
	ofPolicy := func() ([]metav1.Condition, error) {
		ancestors := get(t, &gatewayv1.BackendTLSPolicy{}, ns, "secure").Status.Ancestors
		if len(ancestors) != 1 {
			return nil, fmt.Errorf("%d ancestors", len(ancestors))
		}
		return ancestors[0].Conditions, nil
	}
	eventuallyCondition(t, ofPolicy, "Accepted", "False", "NotSupported", "")

	// A policy of a port that the Service does not have is attached to nothing.
	apply(t, ns, strings.Replace(tlsPolicy, "name: web}", "name: web, sectionName: missing}", 1))
	eventuallyCondition(t, ofPolicy, "Accepted", "False", "TargetNotFound", "section missing of Service "+ns+"/web")
	eventuallyCondition(t, ofRoute(t, ns, "web"), "ResolvedRefs", "True", "", "")

	remove(t, &gatewayv1.HTTPRoute{}, ns, "web")
	eventually(t, "the policy to matter no more", func() error {
		if n := len(get(t, &gatewayv1.BackendTLSPolicy{}, ns, "secure").Status.Ancestors); n != 0 {
			return fmt.Errorf("%d ancestors", n)
		}
		return nil
	})
	remove(t, &gatewayv1.BackendTLSPolicy{}, ns, "secure")
	apply(t, ns, web)
	eventuallyCondition(t, ofRoute(t, ns, "web"), "ResolvedRefs", "True", "", "")
}

func TestABadCertificateIsNotPassedOnAlsoByAnOperatorThatHasJustStarted(t *testing.T) {
	running := startOperator(t)
	ns := namespace(t)
	good, err := certificate.SelfSigned("a.example")
	require.NoError(t, err)
	bad, err := certificate.SelfSigned("a.example")
	require.NoError(t, err)
	bad.Key = good.Key
	apply(t, ns, class+"---"+`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: varnish
  listeners:
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: cert}]}}
---
`+good.Secret("cert"))
	presented := func(want []byte) func() error {
		return func() error {
			secret := &corev1.Secret{}
			if err := cluster.Get(t.Context(), clientKey(ns, gatewaypod.CertificatesSecretName("edge")), secret); err != nil {
				return err
			}
			for _, data := range secret.Data {
				if bytes.Equal(data, want) {
					return nil
				}
			}
			return fmt.Errorf("it is not presented")
		}
	}
	listener := func() ([]metav1.Condition, error) {
		listeners := get(t, &gatewayv1.Gateway{}, ns, "edge").Status.Listeners
		if len(listeners) != 1 {
			return nil, fmt.Errorf("%d listeners", len(listeners))
		}
		return listeners[0].Conditions, nil
	}
	eventuallyCondition(t, listener, "ResolvedRefs", "True", "", "")
	eventually(t, "the certificate to be presented", presented(good.Certificate))

	apply(t, ns, bad.Secret("cert"))
	eventuallyCondition(t, listener, "ResolvedRefs", "False", "InvalidCertificateRef", "its last good certificate serves on")
	require.NoError(t, presented(good.Certificate)())

	running.stop(t)
	startOperator(t)
	apply(t, ns, web)
	eventuallyCondition(t, ofRoute(t, ns, "web"), "Accepted", "True", "", "")
	eventuallyCondition(t, listener, "ResolvedRefs", "False", "InvalidCertificateRef", "its last good certificate serves on")
	require.NoError(t, presented(good.Certificate)())

	bad, err = certificate.SelfSigned("a.example")
	require.NoError(t, err)
	apply(t, ns, bad.Secret("cert"))
	eventuallyCondition(t, listener, "ResolvedRefs", "True", "", "")
	eventually(t, "the new one to be presented", presented(bad.Certificate))
}
