package translate

import (
	"encoding/json"
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// presentedKey is the key of the TLS bundle that says whose the key pairs are. It is for the next translation, also one
// after a restart: pods do not read it.
const presentedKey = "presented.json"

// description of a bundle.
type description struct {
	// Listeners that present key pairs, with the names of these.
	Listeners map[string][]string `json:"listeners"`
	// Secrets ("namespace/name") that the key pairs come from, by their names.
	Secrets map[string]string `json:"secrets"`
}

// presentedBy is what a Gateway presents now.
type presentedBy struct {
	files map[string][]byte
	// unknown means that it could not be read.
	unknown bool
}

func (o *objects) presentedBy(g *gatewayv1.Gateway) presentedBy {
	key := objectKey{g.Namespace, g.Name}
	_, unknown := o.unread.Presented[key.named()]
	return presentedBy{files: o.presented[key.String()], unknown: unknown}
}

// pair is the key pair of a name; false where there is none that holds.
func (p presentedBy) pair(name string) (keyPair, bool) {
	pair := keyPair{certificate: p.files[name+gatewaypod.CertificateExtension], key: p.files[name+gatewaypod.CertificateKeyExtension]}
	return pair, pair.check() == nil
}

// description of what is presented; empty where it has none.
func (p presentedBy) description() description {
	var d description
	if data := p.files[presentedKey]; data == nil || json.Unmarshal(data, &d) != nil {
		return description{}
	}
	return d
}

// describe adds the description to the bundle, where there is room for it.
func (b *bundle) describe(listeners []*listener) {
	d := description{Listeners: map[string][]string{}, Secrets: map[string]string{}}
	for name, secret := range b.secrets {
		d.Secrets[name] = secret.String()
	}
	for _, l := range listeners {
		names := slices.DeleteFunc(slices.Clone(l.certificates), func(name string) bool { return d.Secrets[name] == "" })
		if len(names) > 0 {
			d.Listeners[l.name()] = names
		}
	}
	if len(d.Listeners) == 0 {
		return
	}
	// Strings in maps can always be encoded; the keys of maps are written in order.
	data, _ := json.Marshal(d)
	if b.size+len(data) <= maxBundle {
		b.files[presentedKey] = data
	}
}

// previous are the Secrets whose certificates the listener presents now, does not refer to any more, and still may
// present. What it refers to is not among them: of that it is known whether it is there.
func (l *listener) previous(g *gatewayv1.Gateway, objects *objects, live presentedBy) []objectKey {
	d := live.description()
	referred := map[objectKey]bool{}
	for _, ref := range l.spec.TLS.CertificateRefs {
		referred[secretOf(ref, g.Namespace)] = true
	}
	var previous []objectKey
	for _, name := range d.Listeners[l.name()] {
		namespace, secret, ok := strings.Cut(d.Secrets[name], "/")
		at := objectKey{namespace, secret}
		if _, sound := live.pair(name); ok && sound && certificateName(at) == name && !referred[at] && objects.permitsCertificate(g.Namespace, at) {
			previous = append(previous, at)
		}
	}
	return previous
}

// keepPrevious has a listener whose certificateRefs do not all hold yet present what it presented before they were
// changed: who writes the name of a certificate before the certificate does not cut off the host.
func (l *listener) keepPrevious(g *gatewayv1.Gateway, objects *objects, live presentedBy, bundle *bundle) {
	for _, at := range l.previous(g, objects, live) {
		pair, _ := live.pair(certificateName(at))
		if !l.opens() || !bundle.add(at, pair) {
			continue
		}
		l.certificates = append(l.certificates, certificateName(at))
		l.unresolved.add(string(gatewayv1.ListenerReasonInvalidCertificateRef), "tls.certificateRefs",
			"until all of them hold, the certificate of Secret %q, which the listener presented before, serves on", at)
	}
}
