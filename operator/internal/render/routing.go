package render

import (
	"fmt"

	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// RoutingFiles are routing.json and, for a large Gateway, the shards beside it.
type RoutingFiles struct {
	// Head is the content of routing.json.
	Head []byte
	// Shards by their name ("00" to "31"); none while everything fits into the head. They are to be written
	// before the head.
	Shards map[string][]byte
	// Changed tells whether Head differs from the live one. The head holds the digests of the shards, so it
	// differs where a shard does.
	Changed bool
	// Content is a digest of what Head says, whatever its sequence; empty where it has not changed.
	Content string
}

// Routing writes a Gateway's routing.json. Live is the content that is published now, or nil; its sequence
// is continued. It fails where the Gateway is too large even for shards.
func Routing(gateway *model.Gateway, live []byte) (RoutingFiles, error) {
	head, shards, err := routing.Split(gateway.Config, routing.PlainLimit)
	if err != nil {
		return RoutingFiles{}, fmt.Errorf("split the routes of Gateway %s/%s: %w", gateway.Gateway.Namespace, gateway.Gateway.Name, err)
	}
	data, changed, err := routing.Next(live, head)
	if err != nil {
		return RoutingFiles{}, fmt.Errorf("encode the routes of Gateway %s/%s: %w", gateway.Gateway.Namespace, gateway.Gateway.Name, err)
	}
	files := RoutingFiles{Head: data, Shards: shards, Changed: changed}
	if changed {
		first, _, err := routing.Next(nil, head)
		if err != nil {
			return RoutingFiles{}, fmt.Errorf("encode the routes of Gateway %s/%s: %w", gateway.Gateway.Namespace, gateway.Gateway.Name, err)
		}
		files.Content = contract.Digest(first)
	}
	return files, nil
}
