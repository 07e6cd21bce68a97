package translate_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
)

// referringTo has the only listener of a Gateway refer to Secrets.
func referringTo(in inputs.Inputs, secrets ...string) inputs.Inputs {
	in.Gateways = []*gatewayv1.Gateway{in.Gateways[0].DeepCopy()}
	refs := []gatewayv1.SecretObjectReference{}
	for _, name := range secrets {
		ref := gatewayv1.SecretObjectReference{Name: gatewayv1.ObjectName(name)}
		if name == "elsewhere" {
			namespace := gatewayv1.Namespace("certs")
			ref.Namespace = &namespace
		}
		refs = append(refs, ref)
	}
	in.Gateways[0].Spec.Listeners[0].TLS.CertificateRefs = refs
	return in
}

func TestAListenerGoesOnWithItsCertificateUntilTheNewOneIsThere(t *testing.T) {
	a, b, elsewhere := keyPair(t, "a", 0), keyPair(t, "b", 0), keyPair(t, "elsewhere", 0)
	elsewhere.Namespace = "certs"
	bad := b.DeepCopy()
	bad.Data[corev1.TLSPrivateKeyKey] = a.Data[corev1.TLSPrivateKeyKey]
	grant := &gatewayv1.ReferenceGrant{ObjectMeta: metav1.ObjectMeta{Namespace: "certs", Name: "grant"}, Spec: gatewayv1.ReferenceGrantSpec{
		From: []gatewayv1.ReferenceGrantFrom{{Group: gatewayv1.GroupName, Kind: "Gateway", Namespace: "default"}},
		To:   []gatewayv1.ReferenceGrantTo{{Kind: "Secret"}},
	}}
	ofB := types.NamespacedName{Namespace: "default", Name: "b"}
	const kept, missing = "which the listener presented before, serves on", "does not exist"
	for name, c := range map[string]struct {
		before, after []string
		// secrets that are there after the change; those before it are all.
		secrets []*corev1.Secret
		revoked bool
		unread  map[types.NamespacedName]string
		// presented are the Secrets whose certificates are presented; messages are in the condition.
		presented []*corev1.Secret
		messages  []string
	}{
		"from a to b that is missing":                {[]string{"a"}, []string{"b"}, []*corev1.Secret{a}, false, nil, []*corev1.Secret{a}, []string{missing, `Secret "default/a", ` + kept}},
		"from a to b that is bad":                    {[]string{"a"}, []string{"b"}, []*corev1.Secret{a, bad}, false, nil, []*corev1.Secret{a}, []string{"no sound key pair", kept}},
		"from a to b that cannot be read":            {[]string{"a"}, []string{"b"}, []*corev1.Secret{a}, false, map[types.NamespacedName]string{ofB: "no rights"}, []*corev1.Secret{a}, []string{`Secret "default/b" cannot be read: no rights`, kept}},
		"from a to b, and both are there":            {[]string{"a"}, []string{"b"}, []*corev1.Secret{a, b}, false, nil, []*corev1.Secret{b}, nil},
		"a is deleted first":                         {[]string{"a"}, []string{"b"}, nil, false, nil, []*corev1.Secret{a}, []string{kept}},
		"a is deleted, and still referred to":        {[]string{"a"}, []string{"a"}, nil, false, nil, nil, []string{missing}},
		"one of two is replaced":                     {[]string{"a", "b"}, []string{"a", "c"}, []*corev1.Secret{a, b}, false, nil, []*corev1.Secret{a, b}, []string{missing, `Secret "default/b", ` + kept}},
		"from another namespace":                     {[]string{"elsewhere"}, []string{"b"}, nil, false, nil, []*corev1.Secret{elsewhere}, []string{missing, `Secret "certs/elsewhere", ` + kept}},
		"from another namespace that has revoked it": {[]string{"elsewhere"}, []string{"b"}, nil, true, nil, nil, []string{missing}},
		"what cannot be read is what it was":         {[]string{"b"}, []string{"b"}, nil, false, map[types.NamespacedName]string{ofB: "no rights"}, []*corev1.Secret{b}, []string{"cannot be read: no rights; its last good certificate serves on"}},
		"what was never there cannot be read":        {[]string{"c"}, []string{"b"}, nil, false, map[types.NamespacedName]string{ofB: "no rights"}, nil, []string{"cannot be read: no rights"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := withCertificates(a)
			in.Secrets = []*corev1.Secret{a, b, elsewhere}
			in.ReferenceGrants = []*gatewayv1.ReferenceGrant{grant}
			first := translate.Translate(referringTo(in, c.before...))

			in.Secrets, in.Unread.Secrets = c.secrets, c.unread
			if c.revoked {
				in.ReferenceGrants = nil
			}
			in = referringTo(in, c.after...)
			// What is kept is kept as long as it takes, also by an operator that has just started.
			result := first
			for range 3 {
				in.Presented = map[string]map[string][]byte{"default/gateway": result.Gateways[0].Certificates}
				result = translate.Translate(in)
			}
			assert.False(t, result.Gateways[0].Undecided)
			assert.ElementsMatch(t, certificatesOf(c.presented...), certificatesIn(result))
			l := result.Report.Gateways[0].Listeners[0]
			assert.Equal(t, len(c.presented) > 0, l.Serves)
			resolved := report.Find(l.Conditions, "ResolvedRefs")
			assert.Equal(t, len(c.messages) == 0, resolved.Status == metav1.ConditionTrue, resolved.Message)
			for _, message := range c.messages {
				assert.Contains(t, resolved.Message, message)
			}
		})
	}
}

func certificatesOf(secrets ...*corev1.Secret) []string {
	list := []string{}
	for _, secret := range secrets {
		list = append(list, string(secret.Data[corev1.TLSCertKey]))
	}
	return list
}

// certificatesIn are those that the only listener presents.
func certificatesIn(result translate.Result) []string {
	list := []string{}
	for _, l := range result.Gateways[0].Model.Listeners {
		for _, name := range l.Certificates {
			list = append(list, string(result.Gateways[0].Certificates[name+".crt"]))
		}
	}
	return list
}

// Where it is not known what a Gateway presents, nothing is decided that could take it away.
func TestNothingIsDecidedOfCertificatesThatAreNotKnown(t *testing.T) {
	a := keyPair(t, "a", 0)
	in := withCertificates(a)
	in.Unread.Presented = map[types.NamespacedName]string{{Namespace: "default", Name: "gateway"}: "no rights"}
	assert.False(t, translate.Translate(in).Gateways[0].Undecided, "nothing of what is presented is needed")
	missing := in
	missing.Secrets = nil
	assert.True(t, translate.Translate(missing).Gateways[0].Undecided)
	revoked := referringTo(in, "elsewhere")
	result := translate.Translate(revoked)
	assert.False(t, result.Gateways[0].Undecided, "what is not permitted is withdrawn at once")
	require.Empty(t, result.Gateways[0].Certificates)
}

func TestVCLThatCannotBeReadHoldsItsGateway(t *testing.T) {
	result := withVCL(1, 1)
	assert.False(t, result.Gateways[0].SettingsUnknown)
	result = withVCL(1, 1, func(in *inputs.Inputs) {
		in.ConfigMaps = in.ConfigMaps[:1]
		in.Unread.ConfigMaps = map[types.NamespacedName]string{{Namespace: "default", Name: "own"}: "no rights"}
	})
	assert.True(t, result.Gateways[0].SettingsUnknown)
	accepted := report.Find(result.Report.Gateways[0].Conditions, "Accepted")
	assert.Equal(t, "InvalidParameters", accepted.Reason)
	assert.Contains(t, accepted.Message, `ConfigMap "default/own" cannot be read: no rights`)
}
