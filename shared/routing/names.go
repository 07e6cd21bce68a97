package routing

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	// maxObjectName is the longest name of a Kubernetes object (a DNS subdomain).
	maxObjectName = 253
	// nameDigest is the number of hexadecimal digits that stand for the cut end of a long name.
	nameDigest = 10
)

// ConfigObjectName is the name of the ConfigMap that holds routing.json and main.vcl of a Gateway.
func ConfigObjectName(gateway string) string { return gateway }

// CertificatesObjectName is the name of the Secret that holds the certificates and keys of a Gateway, cut like
// that of a shard.
func CertificatesObjectName(gateway string) string { return objectName(gateway, "-tls") }

// ShardObjectName is the name of the ConfigMap that holds a shard of a Gateway: the Gateway's name with
// "-routes-" and the shard's. Where that would be too long, the end of the Gateway's name is replaced with a digest
// of the whole, so that two long names with the same beginning stay apart.
func ShardObjectName(gateway, shard string) string { return objectName(gateway, "-routes-"+shard) }

func objectName(gateway, suffix string) string {
	if len(gateway)+len(suffix) <= maxObjectName {
		return gateway + suffix
	}
	sum := sha256.Sum256([]byte(gateway))
	keep := maxObjectName - len(suffix) - nameDigest - 1
	// A label must not begin with a dash, as it would behind a dot.
	return strings.TrimRight(gateway[:keep], "-.") + "-" + hex.EncodeToString(sum[:])[:nameDigest] + suffix
}
