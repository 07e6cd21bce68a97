package tlsterm

import (
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestStoreUpdate(t *testing.T) {
	ca := newAuthority(t)
	good, other := ca.issue(t, ecdsaKey(), "good"), ca.issue(t, rsaKey(), "other")
	broken := Pair{Certificate: []byte("no PEM"), Key: good.Key}
	mismatch := Pair{Certificate: good.Certificate, Key: other.Key}

	type step struct {
		names []string
		pairs map[string]Pair
		// want are the subjects of the certificates, by name.
		want map[string]string
		// problems are parts of the messages, by name.
		problems map[string]string
	}
	one := []string{"a"}
	tests := map[string][]step{
		"a good pair is taken": {
			{one, map[string]Pair{"a": good}, map[string]string{"a": "good"}, nil},
		},
		"a pair that nobody names is not taken": {
			{one, map[string]Pair{"a": good, "b": broken}, map[string]string{"a": "good"}, nil},
		},
		"a broken pair is named, and the others are taken": {
			{[]string{"a", "b"}, map[string]Pair{"a": broken, "b": other}, map[string]string{"b": "other"},
				map[string]string{"a": "handshakes that need it fail"}},
		},
		"a key of another certificate is a problem": {
			{one, map[string]Pair{"a": mismatch}, map[string]string{}, map[string]string{"a": "cannot be used"}},
		},
		"a missing pair is a problem": {
			{one, nil, map[string]string{}, map[string]string{"a": "is missing"}},
		},
		"the last good one stays where the new one is broken, and goes when that is mended": {
			{one, map[string]Pair{"a": good}, map[string]string{"a": "good"}, nil},
			{one, map[string]Pair{"a": broken}, map[string]string{"a": "good"}, map[string]string{"a": "last good one"}},
			{one, map[string]Pair{"a": other}, map[string]string{"a": "other"}, nil},
		},
		"the last good one stays where the new one is missing": {
			{one, map[string]Pair{"a": good}, map[string]string{"a": "good"}, nil},
			{one, nil, map[string]string{"a": "good"}, map[string]string{"a": "last good one"}},
		},
		"a certificate that nobody names any more is forgotten": {
			{one, map[string]Pair{"a": good}, map[string]string{"a": "good"}, nil},
			{nil, map[string]Pair{"a": good}, map[string]string{}, nil},
			{one, map[string]Pair{"a": broken}, map[string]string{}, map[string]string{"a": "handshakes that need it fail"}},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			s := store{}
			for i, step := range steps {
				problems := map[string]string{}
				for _, p := range s.update(step.names, step.pairs) {
					problems[p.Name] = p.Message
				}
				require.Len(t, problems, len(step.problems), "step %d: %v", i, problems)
				for name, part := range step.problems {
					assert.Contains(t, problems[name], part, "step %d", i)
				}
				assert.Equal(t, step.want, subjects(s), "step %d", i)
			}
		})
	}
}

func TestStoreParsesUnchangedPairsOnce(t *testing.T) {
	pair := newAuthority(t).issue(t, ecdsaKey(), "same")
	s := store{}
	require.Empty(t, s.update([]string{"a"}, map[string]Pair{"a": pair}))
	before := s["a"].certificate
	require.Empty(t, s.update([]string{"a"}, map[string]Pair{"a": pair}))
	assert.Same(t, before, s["a"].certificate)
}

func TestCertificateNames(t *testing.T) {
	plain := https("plain", "", "ignored")
	plain.Protocol = routing.ProtocolHTTP
	names := certificateNames([]routing.Listener{https("b", "", "y", "x"), plain, https("a", "", "x", "z")})
	assert.Equal(t, []string{"x", "y", "z"}, names)
}

func subjects(s store) map[string]string {
	names := map[string]string{}
	for name, stored := range s {
		leaf, err := x509.ParseCertificate(stored.certificate.Certificate[0])
		if err == nil {
			names[name] = leaf.Subject.CommonName
		}
	}
	return names
}
