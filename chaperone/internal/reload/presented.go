package reload

import (
	"slices"

	"github.com/varnish-gateway/gateway/chaperone/internal/source"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// presentedOf are the certificates that listeners present as they are in the Secret. Where one could not be used, an older
// one may serve, which is not told here.
func presentedOf(listeners []routing.Listener, pairs source.Pairs, problems []adminapi.Problem) []adminapi.Presented {
	var names []string
	for _, listener := range listeners {
		names = append(names, listener.Certificates...)
	}
	slices.Sort(names)
	var presented []adminapi.Presented
	for _, name := range slices.Compact(names) {
		isProblem := slices.ContainsFunc(problems, func(p adminapi.Problem) bool { return p.Name == name })
		if pair, there := pairs[name]; there && !isProblem {
			presented = append(presented, adminapi.Presented{Name: name, Digest: gatewaypod.CertificateDigest(pair.Certificate)})
		}
	}
	return presented
}
