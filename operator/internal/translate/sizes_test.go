package translate_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/gatewaytest"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/render"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// withVCL is a Gateway whose class and parameters name VCL of so many bytes.
func withVCL(ofClass, ofGateway int, change ...func(*inputs.Inputs)) translate.Result {
	configMap := func(name string, size int) *corev1.ConfigMap {
		return &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Data: map[string]string{"main.vcl": strings.Repeat("#", size)},
		}
	}
	class := &v1alpha1.GatewayClassParameters{ObjectMeta: metav1.ObjectMeta{Name: "class"}}
	class.Spec.VCL = &v1alpha1.ClassVCLReference{Namespace: "default", VCLReference: v1alpha1.VCLReference{Name: "class"}}
	class.Spec.AllowedOverrides = []v1alpha1.Setting{v1alpha1.SettingVCL}
	own := &v1alpha1.GatewayParameters{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "own"}}
	own.Spec.VCL = &v1alpha1.VCLReference{Name: "own"}
	in := inputs.Inputs{
		GatewayClasses: []*gatewayv1.GatewayClass{gatewaytest.GatewayClass(gatewaytest.Class, func(c *gatewayv1.GatewayClass) {
			c.Spec.ParametersRef = &gatewayv1.ParametersReference{
				Group: v1alpha1.GroupName, Kind: v1alpha1.KindGatewayClassParameters, Name: "class",
			}
		})},
		Gateways: []*gatewayv1.Gateway{gatewaytest.Gateway("default", "gateway",
			[]gatewayv1.Listener{gatewaytest.HTTPListener("http", 80)}, func(g *gatewayv1.Gateway) {
				g.Spec.Infrastructure = &gatewayv1.GatewayInfrastructure{ParametersRef: &gatewayv1.LocalParametersReference{
					Group: v1alpha1.GroupName, Kind: v1alpha1.KindGatewayParameters, Name: "own",
				}}
			})},
		ConfigMaps:             []*corev1.ConfigMap{configMap("class", ofClass), configMap("own", ofGateway)},
		GatewayClassParameters: []*v1alpha1.GatewayClassParameters{class},
		GatewayParameters:      []*v1alpha1.GatewayParameters{own},
	}
	for _, each := range change {
		each(&in)
	}
	return translate.Translate(in)
}

func TestVCLThatDoesNotFitBesideTheRoutesIsRefused(t *testing.T) {
	const room = 1<<20 - routing.PlainLimit - 8<<10
	for name, c := range map[string]struct {
		class, gateway    int
		classOK, accepted bool
	}{
		"all the room there is":        {room / 2, room / 2, true, true},
		"a byte too much together":     {room / 2, room/2 + 1, true, false},
		"a byte too much of the class": {room + 1, 1, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			result := withVCL(c.class, c.gateway)
			assert.Equal(t, c.classOK, report.IsTrue(result.Report.GatewayClasses[0].Conditions, "Accepted"))
			accepted := report.Find(result.Report.Gateways[0].Conditions, "Accepted")
			assert.Equal(t, c.accepted, accepted.Status == metav1.ConditionTrue, accepted.Message)
			if !c.accepted {
				assert.Equal(t, "InvalidParameters", accepted.Reason)
				return
			}
			vcl, _ := render.VCL(result.Gateways[0].Model, nil)
			assert.LessOrEqual(t, len(vcl)+routing.PlainLimit, 1<<20, "one ConfigMap takes both")
		})
	}
}

// keyPair is a Secret with a key pair, and so many bytes of comment before the certificate.
func keyPair(t *testing.T, name string, comment int) *corev1.Secret {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	padding := strings.Repeat(strings.Repeat("#", 63)+"\n", comment/64)
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Data: map[string][]byte{
		corev1.TLSCertKey:       append([]byte(padding), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})...),
		corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}}
}

// withCertificates is a Gateway with an HTTPS listener for each Secret.
func withCertificates(secrets ...*corev1.Secret) inputs.Inputs {
	var listeners []gatewayv1.Listener
	for i, secret := range secrets {
		listeners = append(listeners, gatewaytest.HTTPListener(fmt.Sprintf("https-%d", i), 443, func(l *gatewayv1.Listener) {
			l.Protocol = gatewayv1.HTTPSProtocolType
			l.Hostname = gatewaytest.Ref(gatewayv1.Hostname(fmt.Sprintf("host-%d.example.org", i)))
			l.TLS = &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{{Name: gatewayv1.ObjectName(secret.Name)}}}
		}))
	}
	return inputs.Inputs{
		GatewayClasses: []*gatewayv1.GatewayClass{gatewaytest.GatewayClass(gatewaytest.Class)},
		Gateways:       []*gatewayv1.Gateway{gatewaytest.Gateway("default", "gateway", listeners)},
		Secrets:        secrets,
	}
}

func TestCertificatesThatDoNotFitIntoOneSecretAreRefused(t *testing.T) {
	const half = 512 << 10
	secrets := []*corev1.Secret{keyPair(t, "a", half), keyPair(t, "b", half), keyPair(t, "c", 0)}
	secrets = append(secrets, secrets[0])
	result := translate.Translate(withCertificates(secrets...))
	for i, serves := range []bool{true, false, true, true} {
		l := result.Report.Gateways[0].Listeners[i]
		assert.Equal(t, serves, l.Serves, l.Name)
	}
	refused := report.Find(result.Report.Gateways[0].Listeners[1].Conditions, "ResolvedRefs")
	assert.Equal(t, "InvalidCertificateRef", refused.Reason)
	assert.Contains(t, refused.Message, `tls.certificateRefs[0]: Secret "default/b" does not fit`)
	size := 0
	for _, file := range result.Gateways[0].Certificates {
		size += len(file)
	}
	assert.LessOrEqual(t, size, corev1.MaxSecretSize)
}

func TestASecretThatGrowsTakesNoRoomFromOthers(t *testing.T) {
	const half = 512 << 10
	before, other := keyPair(t, "a", 0), keyPair(t, "b", half)
	first := translate.Translate(withCertificates(before, other))
	in := withCertificates(keyPair(t, "a", 2*half-len(other.Data[corev1.TLSCertKey])), other)
	in.Presented = map[string]map[string][]byte{"default/gateway": first.Gateways[0].Certificates}
	next := translate.Translate(in)
	assert.Equal(t, first.Gateways[0].Certificates, next.Gateways[0].Certificates)
	for _, l := range next.Report.Gateways[0].Listeners {
		assert.True(t, l.Serves, l.Name)
	}
	refused := report.Find(next.Report.Gateways[0].Listeners[0].Conditions, "ResolvedRefs")
	assert.Contains(t, refused.Message, `Secret "default/a" does not fit beside the others`)
	assert.Contains(t, refused.Message, "its last good certificate serves on")
}

// Both listeners present the pair that is named alike, so both say whose it is.
func TestEveryListenerSaysThatItsLastGoodCertificateServes(t *testing.T) {
	const half = 512 << 10
	before, other := keyPair(t, "a", 0), keyPair(t, "b", half)
	first := translate.Translate(withCertificates(before, other))
	grown := keyPair(t, "a", 2*half-len(other.Data[corev1.TLSCertKey]))
	in := withCertificates(grown, other, grown)
	in.Presented = map[string]map[string][]byte{"default/gateway": first.Gateways[0].Certificates}
	next := translate.Translate(in)
	for _, i := range []int{0, 2} {
		l := next.Report.Gateways[0].Listeners[i]
		assert.True(t, l.Serves, l.Name)
		resolved := report.Find(l.Conditions, "ResolvedRefs")
		assert.Equal(t, metav1.ConditionFalse, resolved.Status, l.Name)
		assert.Contains(t, resolved.Message, "its last good certificate serves on", l.Name)
	}
}

func TestKeyPairsAreReadOnce(t *testing.T) {
	secret := keyPair(t, "a", 0)
	in := withCertificates(secret)
	var translator translate.Translator
	serves := func() bool { return translator.Translate(in).Report.Gateways[0].Listeners[0].Serves }
	assert.True(t, serves())
	// Nobody changes a Secret: here it shows that it is not looked at again.
	broken := secret.DeepCopy()
	secret.Data[corev1.TLSPrivateKeyKey] = []byte("broken")
	broken.Data[corev1.TLSPrivateKeyKey] = []byte("broken")
	assert.True(t, serves())
	assert.True(t, serves(), "what was remembered goes on to be")
	in.Secrets = []*corev1.Secret{broken}
	assert.False(t, serves(), "another object is another Secret")
	in.Secrets = []*corev1.Secret{secret}
	assert.False(t, serves(), "what was not referred to is forgotten")
}
