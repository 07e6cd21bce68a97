package translate

import (
	"crypto/tls"

	corev1 "k8s.io/api/core/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

// Translator translates again and again. It remembers which Secrets hold a sound key pair, since
// reading keys takes longer than most of a translation, and most changes are of routes. Its results
// are those of Translate. The zero value is ready; it is for one goroutine.
type Translator struct {
	keyPairs keyPairs
}

// Translate is as the function of that name. A Secret that is handed over again must not have been
// changed.
func (t *Translator) Translate(in inputs.Inputs) Result {
	next := keyPairs{known: t.keyPairs.looked, looked: make(map[*corev1.Secret]error)}
	result := translate(in, next)
	t.keyPairs = next
	return result
}

// keyPairs are Secrets with what is wrong with them as key pairs.
type keyPairs struct {
	// known from the last translation, looked at in this one: what is not referred to any more is
	// forgotten.
	known, looked map[*corev1.Secret]error
}

// check says why a Secret holds no sound key pair; nil where it does.
func (k keyPairs) check(secret *corev1.Secret) error {
	if err, ok := k.looked[secret]; ok {
		return err
	}
	err, ok := k.known[secret]
	if !ok {
		err = keyPairOf(secret).check()
	}
	k.looked[secret] = err
	return err
}

// check says why a certificate and a key are no sound pair; nil where they are.
func (p keyPair) check() error {
	_, err := tls.X509KeyPair(p.certificate, p.key)
	return err
}
