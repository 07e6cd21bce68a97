package translate

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Endings of the keys in the TLS bundle.
const (
	certificateSuffix = ".crt"
	keySuffix         = ".key"
)

// resolveCertificates follows the listener's certificateRefs. Those that hold are put into the bundle;
// the listener serves with them even where others do not hold.
func (l *listener) resolveCertificates(g *gatewayv1.Gateway, objects *objects, bundle map[string][]byte) {
	if l.spec.TLS == nil || len(l.spec.TLS.CertificateRefs) == 0 {
		l.unresolved.add(string(gatewayv1.ListenerReasonInvalidCertificateRef), "tls.certificateRefs",
			"protocol HTTPS needs a certificate")
		return
	}
	for i, ref := range l.spec.TLS.CertificateRefs {
		secret := l.resolveSecret(index("tls.certificateRefs", i), ref, g.Namespace, objects)
		if secret == nil {
			continue
		}
		name := certificateName(objectKey{secret.Namespace, secret.Name})
		if l.opens() {
			bundle[name+certificateSuffix] = secret.Data[corev1.TLSCertKey]
			bundle[name+keySuffix] = secret.Data[corev1.TLSPrivateKeyKey]
		}
		l.certificates = append(l.certificates, name)
	}
}

// resolveSecret finds the Secret with a sound key pair, or nil. Whether the reference is permitted comes
// before whether the Secret exists, so that nothing is learnt of other namespaces.
func (l *listener) resolveSecret(field string, ref gatewayv1.SecretObjectReference, namespace string, objects *objects) *corev1.Secret {
	const invalid = string(gatewayv1.ListenerReasonInvalidCertificateRef)
	at := objectKey{namespace, string(ref.Name)}
	if ref.Namespace != nil {
		at.namespace = string(*ref.Namespace)
	}
	if !isSecret(ref) {
		l.unresolved.add(invalid, field, "only references to Secrets are supported")
		return nil
	}
	if !objects.permits(reference{
		fromKind: kindGateway, fromNamespace: namespace, toKind: kindSecret, to: at,
	}) {
		l.unresolved.add(string(gatewayv1.ListenerReasonRefNotPermitted), field,
			"no ReferenceGrant permits the reference to Secret %q", at)
		return nil
	}
	secret := objects.secrets[at]
	if secret == nil {
		l.unresolved.add(invalid, field, "Secret %q does not exist", at)
		return nil
	}
	if _, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]); err != nil {
		l.unresolved.add(invalid, field, "Secret %q holds no sound key pair: %v", at, err)
		return nil
	}
	return secret
}

// certificateName is a Secret's name in the TLS bundle. Keys of a Secret end at 253 characters, a
// namespace with a name does not.
func certificateName(secret objectKey) string {
	digest := sha256.Sum256([]byte(secret.String()))
	return hex.EncodeToString(digest[:10])
}
