package tlsterm

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"maps"
	"slices"

	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Pair is a certificate chain and its private key, both PEM.
type Pair struct {
	Certificate []byte
	Key         []byte
}

func (p Pair) digest() [sha256.Size]byte {
	hash := sha256.New()
	fmt.Fprintf(hash, "%d %d ", len(p.Certificate), len(p.Key))
	hash.Write(p.Certificate)
	hash.Write(p.Key)
	return [sha256.Size]byte(hash.Sum(nil))
}

// store keeps the last good certificate of each name that a listener uses.
type store map[string]stored

type stored struct {
	// digest of the pair that certificate was made from.
	digest      [sha256.Size]byte
	certificate *tls.Certificate
}

// update takes new pairs for the given names, keeps the last good one where the new one is broken or
// missing, and forgets every other name.
func (s store) update(names []string, pairs map[string]Pair) []adminapi.Problem {
	maps.DeleteFunc(s, func(name string, _ stored) bool { return !slices.Contains(names, name) })
	var problems []adminapi.Problem
	for _, name := range names {
		if err := s.take(name, pairs); err != nil {
			problems = append(problems, adminapi.Problem{Name: name, Message: s.consequence(name, err)})
		}
	}
	return problems
}

func (s store) take(name string, pairs map[string]Pair) error {
	pair, ok := pairs[name]
	if !ok {
		return fmt.Errorf("the certificate is missing")
	}
	digest := pair.digest()
	if s[name].certificate != nil && s[name].digest == digest {
		return nil
	}
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		return fmt.Errorf("the certificate cannot be used: %w", err)
	}
	s[name] = stored{digest: digest, certificate: &certificate}
	return nil
}

// consequence says what is served where a certificate could not be taken.
func (s store) consequence(name string, err error) string {
	if s[name].certificate == nil {
		return fmt.Sprintf("%v; handshakes that need it fail", err)
	}
	return fmt.Sprintf("%v; the last good one is presented instead", err)
}

// certificateNames lists the certificates that the listeners name, ordered, each once.
func certificateNames(listeners []routing.Listener) []string {
	var names []string
	for _, listener := range listeners {
		if listener.Protocol == routing.ProtocolHTTPS {
			names = append(names, listener.Certificates...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
