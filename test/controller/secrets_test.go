//go:build apiserver

package controller

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/test/certificate"
)

// httpsGateway is the Gateway edge with one HTTPS listener.
func httpsGateway(secret string) string {
	return `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: varnish
  listeners:
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: ` + secret + `}]}}
`
}

// presents tells whether the Gateway edge presents a certificate, and no other.
func presents(t *testing.T, namespace string, pair certificate.Pair) func() error {
	return func() error {
		secret := &corev1.Secret{}
		if err := cluster.Get(t.Context(), clientKey(namespace, gatewaypod.CertificatesSecretName("edge")), secret); err != nil {
			return err
		}
		found := false
		for key, data := range secret.Data {
			if strings.HasSuffix(key, ".crt") && !bytes.Equal(data, pair.Certificate) {
				return fmt.Errorf("%s is another one", key)
			}
			found = found || bytes.Equal(data, pair.Certificate)
		}
		if !found {
			return fmt.Errorf("it is not presented")
		}
		return nil
	}
}

func selfSigned(t *testing.T) certificate.Pair {
	t.Helper()
	pair, err := certificate.SelfSigned("a.example")
	require.NoError(t, err)
	return pair
}

func TestACertificateServesUntilTheOneThatReplacesItIsThere(t *testing.T) {
	running := startOperator(t)
	ns := namespace(t)
	first, second := selfSigned(t), selfSigned(t)
	apply(t, ns, class+"---"+httpsGateway("a")+"---\n"+first.Secret("a"))
	eventuallyCondition(t, ofListener(t, ns, "edge", "https"), "ResolvedRefs", "True", "", "")
	eventually(t, "the first certificate to be presented", presents(t, ns, first))

	apply(t, ns, httpsGateway("b"))
	kept := `Secret "` + ns + `/a", which the listener presented before, serves on`
	eventuallyCondition(t, ofListener(t, ns, "edge", "https"), "ResolvedRefs", "False", "InvalidCertificateRef", kept)
	require.NoError(t, presents(t, ns, first)())

	running.stop(t)
	restarted := startOperator(t)
	apply(t, ns, web)
	eventuallyCondition(t, ofRoute(t, ns, "web"), "Accepted", "True", "", "")
	restarted.idle(t)
	eventuallyCondition(t, ofListener(t, ns, "edge", "https"), "ResolvedRefs", "False", "InvalidCertificateRef", kept)
	require.NoError(t, presents(t, ns, first)())

	apply(t, ns, second.Secret("b"))
	eventuallyCondition(t, ofListener(t, ns, "edge", "https"), "ResolvedRefs", "True", "", "")
	eventually(t, "the second certificate to be presented", presents(t, ns, second))
	remove(t, &corev1.Secret{}, ns, "b")
	eventuallyCondition(t, ofListener(t, ns, "edge", "https"), "ResolvedRefs", "False", "InvalidCertificateRef", "does not exist")
	eventually(t, "the certificate to be withdrawn", func() error {
		if n := len(get(t, &corev1.Secret{}, ns, gatewaypod.CertificatesSecretName("edge")).Data); n != 0 {
			return fmt.Errorf("%d keys", n)
		}
		return nil
	})
}

// The API server refuses a Secret to the operator, and then fails for it.
func TestWhatTheOperatorMayNotReadKeepsNobodyElseBack(t *testing.T) {
	proxy := startAPIProxy(t)
	o := proxy.startOperator(t)
	t.Cleanup(func() { o.stop(t) })
	ns := namespace(t)
	before, after := selfSigned(t), selfSigned(t)
	apply(t, ns, class+"---"+httpsGateway("cert")+"---"+web+"---\n"+before.Secret("cert"))
	eventuallyCondition(t, ofListener(t, ns, "edge", "https"), "ResolvedRefs", "True", "", "")
	eventually(t, "the certificate to be presented", presents(t, ns, before))

	refuse := func(refusal *apierrors.StatusError, path string) {
		proxy.meeting(func(r *http.Request) *apierrors.StatusError {
			if r.Method == http.MethodGet && r.URL.Path == "/api/v1/namespaces/"+ns+path {
				return refusal
			}
			return nil
		})
	}
	another := func(name string) string {
		return strings.Replace(webRoute, "name: web}\nspec", "name: "+name+"}\nspec", 1)
	}
	secrets := corev1.Resource("secrets")
	refuse(apierrors.NewForbidden(secrets, "cert", fmt.Errorf("it is not for operators")), "/secrets/cert")
	apply(t, ns, after.Secret("cert"))
	eventuallyCondition(t, ofListener(t, ns, "edge", "https"), "ResolvedRefs", "False", "InvalidCertificateRef",
		`cannot be read: secrets "cert" is forbidden: it is not for operators; its last good certificate serves on`)
	apply(t, ns, another("two"))
	eventuallyRoutes(t, ns, "two", "web")
	require.NoError(t, presents(t, ns, before)())
	proxy.meeting(nil)
	eventually(t, "the new certificate to be presented", presents(t, ns, after))
	eventuallyCondition(t, ofListener(t, ns, "edge", "https"), "ResolvedRefs", "True", "", "")

	// What passes by itself is not told, and what was read before serves on.
	refuse(apierrors.NewServerTimeout(secrets, "get", 1), "/secrets/cert")
	apply(t, ns, before.Secret("cert"))
	apply(t, ns, another("three"))
	eventuallyRoutes(t, ns, "three", "two", "web")
	eventuallyCondition(t, ofListener(t, ns, "edge", "https"), "ResolvedRefs", "True", "", "")
	require.NoError(t, presents(t, ns, after)())
	proxy.meeting(nil)
	eventually(t, "the certificate to be presented again", presents(t, ns, before))
}
