package gatewaypod

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	// maxObjectName is the longest name of a Kubernetes object (a DNS subdomain).
	maxObjectName = 253
	// digestLength is the number of hexadecimal digits that stand for the cut end of a long name.
	digestLength = 10
)

// ours ends the name of every object of a Gateway but its Deployment and its Service. A certificate of a user is often a
// Secret GATEWAY-tls, and a ServiceAccount or a ConfigMap GATEWAY: names that users pick themselves are not for us.
const ours = "-varnish-gateway"

// AccountName is the name of the ServiceAccount of a Gateway's pods, and of what is about them: the Role, the RoleBinding and
// the PodDisruptionBudget.
func AccountName(gateway string) string { return withSuffix(gateway, ours) }

// ConfigMapName is the name of the ConfigMap that holds routing.json and main.vcl of a Gateway.
func ConfigMapName(gateway string) string { return withSuffix(gateway, ours) }

// ShardConfigMapName is the name of the ConfigMap that holds a shard of a Gateway.
func ShardConfigMapName(gateway, shard string) string {
	return withSuffix(gateway, ours+"-routes-"+shard)
}

// CertificatesSecretName is the name of the Secret that holds the certificates and keys of a Gateway.
func CertificatesSecretName(gateway string) string { return withSuffix(gateway, ours+"-certificates") }

// AdminSecretName is the name of the Secret that holds the credential of the admin API.
func AdminSecretName(gateway string) string { return withSuffix(gateway, ours+"-admin") }

// TicketKeysSecretName is the name of the Secret that holds the keys of a Gateway's TLS session tickets.
func TicketKeysSecretName(gateway string) string { return withSuffix(gateway, ours+"-ticket-keys") }

func withSuffix(gateway, suffix string) string {
	return Shorten(gateway, maxObjectName-len(suffix)) + suffix
}

// Shorten cuts a name to a length in bytes. Where it cuts, a digest of the whole takes the end's place, so
// that two long names with the same beginning stay apart.
func Shorten(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	// A label must not begin with a dash, as it would behind a dot.
	return strings.TrimRight(name[:limit-digestLength-1], "-.") + "-" + Digest(name)
}

// Digest stands for a name where there is no room for it.
func Digest(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])[:digestLength]
}
