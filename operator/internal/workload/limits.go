package workload

import (
	"fmt"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// LimitArguments are the flags by which chaperone is told the limits of the settings. What they do
// not say is chaperone's own default, so that settings without limits suit a gateway image of any
// age.
func LimitArguments(settings *v1alpha1.GatewaySettings) []string {
	limits := settings.Limits
	if limits == nil {
		return nil
	}
	var args []string
	number := func(flag string, value *int32) {
		if value != nil {
			args = append(args, fmt.Sprintf("--%s=%d", flag, *value))
		}
	}
	duration := func(flag string, value *gatewayv1.Duration) {
		if value == nil {
			return
		}
		// Whatever the definition lets pass can be parsed (GEP-2257).
		if time, err := time.ParseDuration(string(*value)); err == nil {
			args = append(args, fmt.Sprintf("--%s=%s", flag, time))
		}
	}
	number("max-tls-connections", limits.MaxTLSConnections)
	number("max-tls-connections-per-address", limits.MaxTLSConnectionsPerAddress)
	number("max-backend-requests", limits.MaxBackendRequests)
	number("max-backend-requests-per-service", limits.MaxBackendRequestsPerService)
	duration("request-timeout", limits.RequestTimeout)
	duration("idle-timeout", limits.IdleTimeout)
	return args
}

// DrainTimeout is how long requests in flight may take when a pod ends.
func DrainTimeout(settings *v1alpha1.GatewaySettings) time.Duration {
	if settings.Limits != nil && settings.Limits.DrainTimeout != nil {
		// Whatever the definition lets pass can be parsed (GEP-2257).
		if timeout, err := time.ParseDuration(string(*settings.Limits.DrainTimeout)); err == nil {
			return timeout
		}
	}
	return gatewaypod.DefaultDrainTimeout
}
