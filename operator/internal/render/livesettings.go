package render

import (
	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// RoutingWithLiveSettings writes the routing.json of a Gateway that cannot be taken as it stands: what
// its parameters would decide, if they were valid, stays as it is in the live one.
func RoutingWithLiveSettings(gateway *model.Gateway, live []byte) (RoutingFiles, error) {
	merged := *gateway
	if now, err := routing.Decode(live); err == nil {
		merged.Settings = now.Settings
	}
	return Routing(&merged, live)
}
