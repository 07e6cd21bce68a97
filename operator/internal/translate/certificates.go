package translate

import (
	"crypto/sha256"
	"encoding/hex"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Endings of the keys in the TLS bundle.
const (
	certificateSuffix = ".crt"
	keySuffix         = ".key"
)

// maxBundle is how much an API server takes in the Secret that the bundle becomes (core/v1, MaxSecretSize).
const maxBundle = corev1.MaxSecretSize

// bundle holds the certificates and keys that the listeners of a Gateway present.
type bundle struct {
	files map[string][]byte
	size  int
}

// add puts a key pair into the bundle, once; false where there is no room for it.
func (b *bundle) add(name string, secret *corev1.Secret) bool {
	if _, ok := b.files[name+certificateSuffix]; ok {
		return true
	}
	certificate, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	if b.size+len(certificate)+len(key) > maxBundle {
		return false
	}
	b.files[name+certificateSuffix], b.files[name+keySuffix] = certificate, key
	b.size += len(certificate) + len(key)
	return true
}

// resolveCertificates follows the listener's certificateRefs. Those that hold are put into the bundle;
// the listener serves with them even where others do not hold.
func (l *listener) resolveCertificates(g *gatewayv1.Gateway, objects *objects, bundle *bundle) {
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
		if l.opens() && !bundle.add(name, secret) {
			l.unresolved.add(string(gatewayv1.ListenerReasonInvalidCertificateRef), index("tls.certificateRefs", i),
				"Secret \"%s/%s\" does not fit beside the others: the certificates and keys of a Gateway have %d KiB together",
				secret.Namespace, secret.Name, maxBundle>>10)
			continue
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
	if err := objects.keyPairs.check(secret); err != nil {
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
