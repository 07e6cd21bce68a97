package reload

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/varnish-gateway/gateway/chaperone/internal/source"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestWhatIsPresentedIsToldByContent(t *testing.T) {
	listeners := []routing.Listener{{Certificates: []string{"b", "a"}}, {Certificates: []string{"a", "missing", "bad"}}}
	pairs := source.Pairs{"a": {Certificate: []byte("A")}, "b": {Certificate: []byte("B")}, "bad": {}, "unused": {}}
	assert.Equal(t, []adminapi.Presented{
		{Name: "a", Digest: gatewaypod.CertificateDigest([]byte("A"))}, {Name: "b", Digest: gatewaypod.CertificateDigest([]byte("B"))},
	}, presentedOf(listeners, pairs, []adminapi.Problem{{Name: "bad", Message: "no PEM"}, {Name: "missing"}}))
}
