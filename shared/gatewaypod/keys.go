package gatewaypod

import (
	"github.com/varnish-gateway/gateway/shared/mainvcl"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Keys of a Gateway's objects, and the names of the files that they are mounted as.
const (
	// RoutingKey and VCLKey are keys of the ConfigMap.
	RoutingKey = routing.File
	VCLKey     = mainvcl.File
	// ShardKey is the key of a shard in its own ConfigMap; mounted, it is the shard's name with ShardExtension.
	ShardKey       = routing.ShardFile
	ShardExtension = ".json"
	// A certificate and its key are two keys of the Secret: a name that routing.json says, and these.
	CertificateExtension    = ".crt"
	CertificateKeyExtension = ".key"
	// A key of session tickets is TicketKeyLength random bytes under the time at which it was made, in seconds since 1970
	// and ten digits, and this. The newest encrypts, the others decrypt.
	TicketKeyExtension = ".ticket-key"
	// AdminTokenKey, AdminCertificateKey and AdminKeyKey are the keys of the admin API's Secret.
	AdminTokenKey       = "token"
	AdminCertificateKey = "tls.crt"
	AdminKeyKey         = "tls.key"
)

// TicketKeyLength is the length of a key of session tickets, in bytes.
const TicketKeyLength = 32
