package translate

import (
	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// Result is what Translate makes of its inputs.
type Result struct {
	// Gateways of ours, ordered by namespace and name.
	Gateways []Gateway
	// Report holds the statuses of all objects that are ours.
	Report report.Report
}

// Gateway is what one Gateway is to become.
type Gateway struct {
	Namespace string
	Name      string
	// Model of the Gateway.
	Model *model.Gateway
	// SettingsUnknown means that the Gateway cannot be taken as it stands (its parameters or addresses are not valid).
	// What these decide (pods, VCL, trusted hops) is then not known: it stays as it is now, while listeners and
	// routes, and what is refused to them, still take effect.
	SettingsUnknown bool
	// Undecided means that a listener would go on with the certificate that it presents now, and that it is not known
	// which that is. Neither routing nor certificates are to be written.
	Undecided bool
	// Settings in force: those of the class with what the Gateway's own parameters replace.
	Settings v1alpha1.GatewaySettings
	// Certificates are the content of the Gateway's TLS Secret: "<name>.crt" and "<name>.key" for each
	// name that a listener of the model lists.
	Certificates map[string][]byte
	// Sockets that the data plane has to open, ordered by port.
	Sockets []model.Socket
}
