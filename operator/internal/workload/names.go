package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// maxDeploymentName leaves room for what is put behind it in the names of its ReplicaSets.
const maxDeploymentName = validation.DNS1123SubdomainMaxLength - len("-0123456789")

// Names of the objects of a Gateway.
type Names struct {
	Deployment, Service, ServiceAccount, Role, Budget string
	// Config is the ConfigMap of routing.json and main.vcl; Certificates, TicketKeys and Admin are Secrets.
	Config, Certificates, TicketKeys, Admin string
	// Shards are the ConfigMaps of the shards, by the shard's name.
	Shards map[string]string
}

// NamesOf returns the names of a Gateway's objects. The Deployment and the Service, at which autoscalers and people aim, have the
// Gateway's own wherever it fits.
func NamesOf(gateway string) Names {
	names := Names{
		Deployment:     gatewaypod.Shorten(gateway, maxDeploymentName),
		Service:        serviceName(gateway),
		ServiceAccount: gatewaypod.AccountName(gateway),
		Role:           gatewaypod.AccountName(gateway),
		Budget:         gatewaypod.AccountName(gateway),
		Config:         gatewaypod.ConfigMapName(gateway),
		Certificates:   gatewaypod.CertificatesSecretName(gateway),
		TicketKeys:     gatewaypod.TicketKeysSecretName(gateway),
		Admin:          gatewaypod.AdminSecretName(gateway),
		Shards:         make(map[string]string, routing.ShardCount),
	}
	for _, shard := range routing.ShardNames() {
		names.Shards[shard] = gatewaypod.ShardConfigMapName(gateway, shard)
	}
	return names
}

// Secrets are the names of all Secrets.
func (n Names) Secrets() []string { return []string{n.Certificates, n.TicketKeys, n.Admin} }

// EndpointsRoleName is the name of what lets a Gateway read EndpointSlices, in every namespace the same.
func EndpointsRoleName(gateway types.NamespacedName) string {
	return "varnish-gateway-" + OwnerDigest(gateway)
}

// OwnerDigest stands for a Gateway of any namespace, in labels.
func OwnerDigest(gateway types.NamespacedName) string {
	sum := sha256.Sum256([]byte(gateway.String()))
	return hex.EncodeToString(sum[:16])
}

// LabelValue is a name as the value of a label.
func LabelValue(name string) string { return gatewaypod.Shorten(name, validation.LabelValueMaxLength) }

// serviceName brings a Gateway's name, which may have dots and begin with a digit, into the form of a Service's.
func serviceName(gateway string) string {
	if len(validation.IsDNS1035Label(gateway)) == 0 {
		return gateway
	}
	name := strings.ReplaceAll(gateway, ".", "-")
	if name[0] >= '0' && name[0] <= '9' {
		name = "gateway-" + name
	}
	digest := gatewaypod.Digest(gateway)
	keep := min(len(name), validation.DNS1035LabelMaxLength-len(digest)-1)
	return strings.TrimRight(name[:keep], "-") + "-" + digest
}
