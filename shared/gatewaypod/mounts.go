package gatewaypod

// Where a pod finds what it reads, and where it works. These are the defaults of chaperone's flags, and what
// the operator mounts.
const (
	// ConfigDir has the keys of the Gateway's ConfigMap.
	ConfigDir = "/etc/varnish-gateway/config"
	// ShardsDir has a file for each shard: its name and ShardExtension.
	ShardsDir = "/etc/varnish-gateway/shards"
	// CertificatesDir has the keys of the Gateway's Secret of certificates.
	CertificatesDir = "/etc/varnish-gateway/tls"
	// AdminDir has the keys of the Gateway's Secret of the admin API.
	AdminDir = "/etc/varnish-gateway/admin"
	// TicketKeysDir has the keys of the Gateway's Secret of session ticket keys.
	TicketKeysDir = "/etc/varnish-gateway/ticket-keys"
	// WorkDir is writable and in memory. Compiled VCL is loaded from it, so it must not be noexec.
	WorkDir = "/run/varnish-gateway"
)
