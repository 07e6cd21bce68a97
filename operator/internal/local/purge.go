package local

import (
	"context"
	"net/http"

	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// Purged is what became of an order at one gateway.
type Purged struct {
	// Gateway is its "namespace/name".
	Gateway string
	// Err says why it was not carried out.
	Err error
}

// Purge has every gateway that runs in a state directory carry out an order to invalidate objects, which is
// ghostconf.Invalidations.
func Purge(ctx context.Context, stateDir string, order []byte) ([]Purged, error) {
	all, err := allRunning(stateDir)
	if err != nil {
		return nil, err
	}
	var purged []Purged
	for _, r := range all {
		_, err := r.call(ctx, http.MethodPost, adminapi.InvalidatePath, order)
		purged = append(purged, Purged{Gateway: r.gateway, Err: err})
	}
	return purged, nil
}
