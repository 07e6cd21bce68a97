package routing

// Settings are what a Gateway's parameters decide of how all of its requests are treated. They stand
// in routing.json and in ghost.json alike.
type Settings struct {
	// TrustedHops are the networks (CIDR) whose X-Forwarded-* headers are believed.
	TrustedHops []string `json:"trustedHops,omitempty"`
	// XVarnish says that requests to backends and answers to clients have the header X-Varnish, the number of their
	// transaction in Varnish's log.
	XVarnish bool `json:"xVarnish,omitzero"`
}
