package v1alpha1

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Limits of what one pod takes on at once, and for how long. The page of limits says what each costs.
//
// +kubebuilder:validation:XValidation:message="maxTLSConnectionsPerAddress cannot be more than maxTLSConnections",rule="!has(self.maxTLSConnections) || !has(self.maxTLSConnectionsPerAddress) || self.maxTLSConnectionsPerAddress <= self.maxTLSConnections"
// +kubebuilder:validation:XValidation:message="maxBackendRequestsPerService cannot be more than maxBackendRequests",rule="!has(self.maxBackendRequests) || !has(self.maxBackendRequestsPerService) || self.maxBackendRequestsPerService <= self.maxBackendRequests"
type Limits struct {
	// MaxTLSConnections is how many TLS connections may be open; 8192 where it is empty. One
	// more is closed at once.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MaxTLSConnections *int32 `json:"maxTLSConnections,omitempty"`

	// MaxTLSConnectionsPerAddress is how many of them one client may have open: one IPv4 address,
	// or one IPv6 network of 64 bits; 4096 where it is empty.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MaxTLSConnectionsPerAddress *int32 `json:"maxTLSConnectionsPerAddress,omitempty"`

	// MaxBackendRequests is how many requests to backends may be in flight, those to all Services
	// together; 4000 where it is empty. One more is answered 503.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MaxBackendRequests *int32 `json:"maxBackendRequests,omitempty"`

	// MaxBackendRequestsPerService is how many of them may be to one port of a Service. Where it
	// is empty, a single one may have all, and of several each has a share that leaves something
	// to the others.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MaxBackendRequestsPerService *int32 `json:"maxBackendRequestsPerService,omitempty"`

	// RequestTimeout is how long a client may take to send a request to the end of its body;
	// 1h where it is empty. It is answered 408 then. The backend's answer may take longer.
	// +optional
	// +kubebuilder:validation:XValidation:message="must be from 1ms to 720h",rule="duration(self) >= duration('1ms') && duration(self) <= duration('720h')"
	RequestTimeout *gatewayv1.Duration `json:"requestTimeout,omitempty"`

	// IdleTimeout is how long a client's connection may wait for its next request;
	// 75s where it is empty. It should be longer than that of a load balancer in front.
	// +optional
	// +kubebuilder:validation:XValidation:message="must be from 1s to 24h",rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')"
	IdleTimeout *gatewayv1.Duration `json:"idleTimeout,omitempty"`

	// DrainTimeout is how long requests in flight may take when a pod ends, streams of HTTP/2
	// among them; 30s where it is empty. What is not finished then is cut off. A pod may take
	// that much longer to end: terminationGracePeriodSeconds follows.
	// +optional
	// +kubebuilder:validation:XValidation:message="must be from 1s to 24h",rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')"
	DrainTimeout *gatewayv1.Duration `json:"drainTimeout,omitempty"`
}
