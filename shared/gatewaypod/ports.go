package gatewaypod

// Ports that chaperone itself serves in a pod. No listener of a Gateway can have them.
const (
	// HealthPort serves LivenessPath, ReadinessPath and MetricsPath, plain.
	HealthPort int32 = 19080
	// AdminPort serves the admin API, with TLS and a bearer token.
	AdminPort int32 = 19443
)

// ProxySuffix ends the name of a socket, in --listen and in what a pod reports, whose connections begin with a PROXY header:
// "http-80+proxy".
const ProxySuffix = "+proxy"

// Paths on HealthPort.
const (
	LivenessPath  = "/healthz"
	ReadinessPath = "/readyz"
	MetricsPath   = "/metrics"
)

// AdminServerName is the name in the certificate of the admin API. The certificate is pinned by its bytes.
const AdminServerName = "admin.varnish-gateway"
