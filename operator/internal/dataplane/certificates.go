package dataplane

import (
	"maps"
	"slices"
	"strings"

	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// DigestsOf are the digests of the certificates in the content of a Gateway's TLS Secret, by name.
func DigestsOf(files map[string][]byte) map[string]string {
	var digests map[string]string
	for key, data := range files {
		if name, ok := strings.CutSuffix(key, gatewaypod.CertificateExtension); ok {
			if digests == nil {
				digests = map[string]string{}
			}
			digests[name] = gatewaypod.CertificateDigest(data)
		}
	}
	return digests
}

// lacks names the first certificate that the pod does not present as it is wanted; empty where it presents them all, or does not
// tell.
func lacks(s *adminapi.Status, want map[string]string) string {
	if s.Versions.Contracts.Admin == "" {
		return ""
	}
	presented := make(map[string]string, len(s.Certificates.Presented))
	for _, c := range s.Certificates.Presented {
		presented[c.Name] = c.Digest
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if presented[name] != want[name] {
			return name
		}
	}
	return ""
}
