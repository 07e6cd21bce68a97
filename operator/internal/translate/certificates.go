package translate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// maxBundle is how much an API server takes in the Secret that the bundle becomes (core/v1,
// MaxSecretSize).
const maxBundle = corev1.MaxSecretSize

// bundle holds the certificates and keys that the listeners of a Gateway present.
type bundle struct {
	files map[string][]byte
	size  int
	// secrets are where the key pairs come from, by their names.
	secrets map[string]objectKey
}

func newBundle() bundle {
	return bundle{files: make(map[string][]byte), secrets: make(map[string]objectKey)}
}

// keyPair is a certificate with its key, both in PEM.
type keyPair struct{ certificate, key []byte }

func keyPairOf(secret *corev1.Secret) keyPair {
	return keyPair{certificate: secret.Data[corev1.TLSCertKey], key: secret.Data[corev1.TLSPrivateKeyKey]}
}

// add puts the key pair of a Secret into the bundle, once; false where there is no room for it, or where another one has
// its name, as the last good one has for another listener.
func (b *bundle) add(secret objectKey, pair keyPair) bool {
	name := certificateName(secret)
	if certificate, ok := b.files[name+gatewaypod.CertificateExtension]; ok {
		return bytes.Equal(certificate, pair.certificate) && bytes.Equal(b.files[name+gatewaypod.CertificateKeyExtension], pair.key)
	}
	if b.size+len(pair.certificate)+len(pair.key) > maxBundle {
		return false
	}
	b.files[name+gatewaypod.CertificateExtension], b.files[name+gatewaypod.CertificateKeyExtension] = pair.certificate, pair.key
	b.secrets[name] = secret
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
	live := objects.presentedBy(g)
	complete := true
	for i, ref := range l.spec.TLS.CertificateRefs {
		name, ok := l.resolveCertificate(index("tls.certificateRefs", i), ref, g.Namespace, objects, live, bundle)
		if ok {
			l.certificates = append(l.certificates, name)
		}
		complete = complete && ok
	}
	if !complete {
		l.keepPrevious(g, objects, live, bundle)
	}
}

// resolveCertificate follows one certificateRef, and gives the name of the key pair that is
// presented for it. Where its Secret is there, and referring to it permitted, but what it holds
// cannot be read or presented, that is the key pair that is presented now: neither a mistake in a
// Secret nor a failure of the API server must cut off a host.
func (l *listener) resolveCertificate(field string, ref gatewayv1.SecretObjectReference, namespace string, objects *objects, live presentedBy, bundle *bundle) (string, bool) {
	const invalid = string(gatewayv1.ListenerReasonInvalidCertificateRef)
	at, problem := objects.certificateSecret(field, ref, namespace)
	if problem != nil {
		l.unresolved = append(l.unresolved, *problem)
		// What is not permitted is withdrawn at once, whatever is not known.
		l.undecided = l.undecided || live.unknown && problem.reason != string(gatewayv1.ListenerReasonRefNotPermitted)
		return "", false
	}
	name := certificateName(at)
	// A listener that does not open presents nothing, and needs no room.
	add := func(pair keyPair) bool { return !l.opens() || bundle.add(at, pair) }
	wrong := objects.wrongWith(at)
	if wrong == "" && !add(keyPairOf(objects.secrets[at])) {
		wrong = fmt.Sprintf("does not fit beside the others: the certificates and keys of a Gateway have %d KiB together", maxBundle>>10)
	}
	if wrong == "" {
		return name, true
	}
	last, ok := live.pair(name)
	if ok && add(last) {
		l.unresolved.add(invalid, field, "Secret %q %s; its last good certificate serves on", at, wrong)
		return name, true
	}
	l.undecided = l.undecided || live.unknown
	l.unresolved.add(invalid, field, "Secret %q %s", at, wrong)
	return "", false
}

// wrongWith says why a Secret that is there cannot be presented; empty where it can.
func (o *objects) wrongWith(secret objectKey) string {
	if why, unread := o.unread.Secrets[secret.named()]; unread {
		return "cannot be read: " + why
	}
	if err := o.keyPairs.check(o.secrets[secret]); err != nil {
		return fmt.Sprintf("holds no sound key pair: %v", err)
	}
	return ""
}

// keepPresented puts those key pairs into the bundle that are presented now and have not changed, or that the listener
// goes on with, so that a Secret that grows takes no room from them.
func (l *listener) keepPresented(g *gatewayv1.Gateway, objects *objects, bundle *bundle) {
	live := objects.presentedBy(g)
	if l.spec.TLS == nil || !l.opens() || len(live.files) == 0 {
		return
	}
	complete := true
	for _, ref := range l.spec.TLS.CertificateRefs {
		at, problem := objects.certificateSecret("", ref, g.Namespace)
		if problem != nil || objects.wrongWith(at) != "" {
			complete = false
			continue
		}
		name, pair := certificateName(at), keyPairOf(objects.secrets[at])
		if bytes.Equal(live.files[name+gatewaypod.CertificateExtension], pair.certificate) && bytes.Equal(live.files[name+gatewaypod.CertificateKeyExtension], pair.key) {
			bundle.add(at, pair)
		}
	}
	if !complete {
		for _, at := range l.previous(g, objects, live) {
			pair, _ := live.pair(certificateName(at))
			bundle.add(at, pair)
		}
	}
}

// certificateSecret is the Secret that a certificateRef names and that is there. Whether the reference is permitted
// comes before whether the Secret exists, so that nothing is learnt of other namespaces.
func (o *objects) certificateSecret(field string, ref gatewayv1.SecretObjectReference, namespace string) (objectKey, *problem) {
	at := secretOf(ref, namespace)
	refuse := func(reason gatewayv1.ListenerConditionReason, message string) (objectKey, *problem) {
		return at, &problem{reason: string(reason), field: field, message: message}
	}
	if !isSecret(ref) {
		return refuse(gatewayv1.ListenerReasonInvalidCertificateRef, "only references to Secrets are supported")
	}
	if !o.permitsCertificate(namespace, at) {
		return refuse(gatewayv1.ListenerReasonRefNotPermitted, "no ReferenceGrant permits the reference to Secret "+quoted(at))
	}
	if _, unread := o.unread.Secrets[at.named()]; !unread && o.secrets[at] == nil {
		return refuse(gatewayv1.ListenerReasonInvalidCertificateRef, "Secret "+quoted(at)+" does not exist")
	}
	return at, nil
}

// secretOf is the Secret that a certificateRef of a Gateway in a namespace names.
func secretOf(ref gatewayv1.SecretObjectReference, namespace string) objectKey {
	if ref.Namespace != nil {
		namespace = string(*ref.Namespace)
	}
	return objectKey{namespace, string(ref.Name)}
}

// permitsCertificate tells whether Gateways of a namespace may present the certificate of a Secret.
func (o *objects) permitsCertificate(namespace string, secret objectKey) bool {
	return o.permits(reference{fromKind: kindGateway, fromNamespace: namespace, toKind: kindSecret, to: secret})
}

// certificateName is a Secret's name in the TLS bundle. Keys of a Secret end at 253 characters, a
// namespace with a name does not.
func certificateName(secret objectKey) string {
	digest := sha256.Sum256([]byte(secret.String()))
	return hex.EncodeToString(digest[:10])
}
