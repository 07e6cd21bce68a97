package translate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Endings of the keys in the TLS bundle.
const (
	certificateSuffix = ".crt"
	keySuffix         = ".key"
)

// maxBundle is how much an API server takes in the Secret that the bundle becomes (core/v1,
// MaxSecretSize).
const maxBundle = corev1.MaxSecretSize

// bundle holds the certificates and keys that the listeners of a Gateway present.
type bundle struct {
	files map[string][]byte
	size  int
}

// keyPair is a certificate with its key, both in PEM.
type keyPair struct{ certificate, key []byte }

func keyPairOf(secret *corev1.Secret) keyPair {
	return keyPair{certificate: secret.Data[corev1.TLSCertKey], key: secret.Data[corev1.TLSPrivateKeyKey]}
}

// presented is the key pair that has a name among files; false where there is none that holds.
func presented(files map[string][]byte, name string) (keyPair, bool) {
	pair := keyPair{certificate: files[name+certificateSuffix], key: files[name+keySuffix]}
	return pair, pair.check() == nil
}

// add puts a key pair into the bundle, once; false where there is no room for it, or where another
// one has its name, as the last good one has for another listener.
func (b *bundle) add(name string, pair keyPair) bool {
	if certificate, ok := b.files[name+certificateSuffix]; ok {
		return bytes.Equal(certificate, pair.certificate) && bytes.Equal(b.files[name+keySuffix], pair.key)
	}
	if b.size+len(pair.certificate)+len(pair.key) > maxBundle {
		return false
	}
	b.files[name+certificateSuffix], b.files[name+keySuffix] = pair.certificate, pair.key
	b.size += len(pair.certificate) + len(pair.key)
	return true
}

// resolveCertificates follows the listener's certificateRefs. Those that hold are put into the
// bundle; the listener serves with them even where others do not hold.
func (l *listener) resolveCertificates(g *gatewayv1.Gateway, objects *objects, bundle *bundle) {
	if l.spec.TLS == nil || len(l.spec.TLS.CertificateRefs) == 0 {
		l.unresolved.add(string(gatewayv1.ListenerReasonInvalidCertificateRef), "tls.certificateRefs",
			"protocol HTTPS needs a certificate")
		return
	}
	live := objects.presented[objectKey{g.Namespace, g.Name}.String()]
	for i, ref := range l.spec.TLS.CertificateRefs {
		if name, ok := l.resolveCertificate(index("tls.certificateRefs", i), ref, g.Namespace, objects, live, bundle); ok {
			l.certificates = append(l.certificates, name)
		}
	}
}

// resolveCertificate follows one certificateRef, and gives the name of the key pair that is
// presented for it. Where its Secret is there, and referring to it permitted, but what it holds
// cannot be presented, that is the key pair that is presented now: a mistake in a Secret must not
// cut off a host.
func (l *listener) resolveCertificate(field string, ref gatewayv1.SecretObjectReference, namespace string, objects *objects, live map[string][]byte, bundle *bundle) (string, bool) {
	const invalid = string(gatewayv1.ListenerReasonInvalidCertificateRef)
	secret, unresolved := objects.resolveSecret(field, ref, namespace)
	if unresolved != nil {
		l.unresolved = append(l.unresolved, *unresolved)
		return "", false
	}
	at := objectKey{secret.Namespace, secret.Name}
	name := certificateName(at)
	// A listener that does not open presents nothing, and needs no room.
	add := func(pair keyPair) bool { return !l.opens() || bundle.add(name, pair) }
	var wrong string
	if err := objects.keyPairs.check(secret); err != nil {
		wrong = fmt.Sprintf("holds no sound key pair: %v", err)
	} else if !add(keyPairOf(secret)) {
		wrong = fmt.Sprintf("does not fit beside the others: the certificates and keys of a Gateway have %d KiB together", maxBundle>>10)
	} else {
		return name, true
	}
	last, ok := presented(live, name)
	if ok && add(last) {
		l.unresolved.add(invalid, field, "Secret %q %s; its last good certificate serves on", at, wrong)
		return name, true
	}
	l.unresolved.add(invalid, field, "Secret %q %s", at, wrong)
	return "", false
}

// keepPresented puts those key pairs into the bundle that are presented now and have not changed,
// so that a Secret that grows takes no room from them.
func (l *listener) keepPresented(g *gatewayv1.Gateway, objects *objects, bundle *bundle) {
	live := objects.presented[objectKey{g.Namespace, g.Name}.String()]
	if l.spec.TLS == nil || !l.opens() || len(live) == 0 {
		return
	}
	for _, ref := range l.spec.TLS.CertificateRefs {
		secret, unresolved := objects.resolveSecret("", ref, g.Namespace)
		if unresolved != nil || objects.keyPairs.check(secret) != nil {
			continue
		}
		name, pair := certificateName(objectKey{secret.Namespace, secret.Name}), keyPairOf(secret)
		if bytes.Equal(live[name+certificateSuffix], pair.certificate) && bytes.Equal(live[name+keySuffix], pair.key) {
			bundle.add(name, pair)
		}
	}
}

// resolveSecret finds the Secret that a certificateRef names. Whether the reference is permitted
// comes before whether the Secret exists, so that nothing is learnt of other namespaces.
func (o *objects) resolveSecret(field string, ref gatewayv1.SecretObjectReference, namespace string) (*corev1.Secret, *problem) {
	refuse := func(reason gatewayv1.ListenerConditionReason, message string) (*corev1.Secret, *problem) {
		return nil, &problem{reason: string(reason), field: field, message: message}
	}
	at := objectKey{namespace, string(ref.Name)}
	if ref.Namespace != nil {
		at.namespace = string(*ref.Namespace)
	}
	if !isSecret(ref) {
		return refuse(gatewayv1.ListenerReasonInvalidCertificateRef, "only references to Secrets are supported")
	}
	if !o.permits(reference{
		fromKind: kindGateway, fromNamespace: namespace, toKind: kindSecret, to: at,
	}) {
		return refuse(gatewayv1.ListenerReasonRefNotPermitted, "no ReferenceGrant permits the reference to Secret "+quoted(at))
	}
	secret := o.secrets[at]
	if secret == nil {
		return refuse(gatewayv1.ListenerReasonInvalidCertificateRef, "Secret "+quoted(at)+" does not exist")
	}
	return secret, nil
}

// certificateName is a Secret's name in the TLS bundle. Keys of a Secret end at 253 characters, a
// namespace with a name does not.
func certificateName(secret objectKey) string {
	digest := sha256.Sum256([]byte(secret.String()))
	return hex.EncodeToString(digest[:10])
}
