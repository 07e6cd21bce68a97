// Package model is what translation makes of the Gateway API's objects: Gateways with listeners, VCL,
// routes and services, every reference resolved or marked as invalid, as records of the contracts. It knows nothing of the objects that it came from.
package model

import (
	"fmt"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Gateway is one Gateway of ours, ready to be rendered.
type Gateway struct {
	// Config is its routing.json: whole, and without a sequence. Listeners are in the order of the
	// Gateway's specification, and those that can serve; routes and services are ordered by namespace and
	// name, and the latter by port.
	routing.Config
	// PassDoor says how requests that are not cached reach their backends.
	PassDoor mainvcl.PassDoor
	// VCL of the user: that of the class, then that of the Gateway.
	VCL []VCL
}

// Socket is one opening of the data plane. Listeners on the same port share it.
type Socket struct {
	Protocol routing.Protocol
	Port     int32
	// ProxyProtocol means that connections begin with a PROXY v2 header.
	ProxyProtocol bool
}

// Name of the socket: "http-80".
func (s Socket) Name() string {
	if s.Protocol == routing.ProtocolHTTPS {
		return fmt.Sprintf("https-%d", s.Port)
	}
	return fmt.Sprintf("http-%d", s.Port)
}

// Flag is the value of chaperone's --listen for this socket: "http-80+proxy".
func (s Socket) Flag() string {
	if s.ProxyProtocol {
		return s.Name() + gatewaypod.ProxySuffix
	}
	return s.Name()
}

// VCL is one piece of the user's own VCL.
type VCL struct {
	// Source is where it comes from, for those who read the file: "ConfigMap namespace/name, key main.vcl".
	Source string
	Text   string
	// FailClosed says that nothing may be served without it; otherwise requests are served without it in a pod where
	// VCL has never compiled.
	FailClosed bool
}
