package routing

import (
	"slices"
	"strings"
)

// HeaderAction is what a header modifier does to a field; it is the name of the modifier's list as well.
type HeaderAction string

// Actions of a header modifier.
const (
	HeaderSet    HeaderAction = "set"
	HeaderAdd    HeaderAction = "add"
	HeaderRemove HeaderAction = "remove"
)

// Fields that the gateway writes itself, or never passes on. A modifier that names one would either do nothing, or would
// let two readers see two ends of one message (RFC 9112, section 11).
var (
	// framing says where a message ends.
	framing = []string{"content-length", "transfer-encoding"}
	// hop fields concern one connection (RFC 9110, section 7.6.1).
	hop = []string{
		"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "upgrade",
	}
)

// ownPrefix begins the names of what the gateway itself tells a backend of a request.
const ownPrefix = "x-gateway-"

// HeaderProblem says why a filter cannot do this to a field, in words that follow the field's name; empty where it can.
// Removing a field that never goes further anyway is possible.
func HeaderProblem(filter FilterType, action HeaderAction, name string) string {
	if !ValidToken(name) {
		return "is not the name of a header"
	}
	if isGatewaysOwn(filter, action, strings.ToLower(name)) {
		return "is written by the gateway itself"
	}
	return ""
}

func isGatewaysOwn(filter FilterType, action HeaderAction, name string) bool {
	isRequest := filter == FilterRequestHeaderModifier
	switch {
	case slices.Contains(framing, name):
		return true
	case isRequest && strings.HasPrefix(name, ownPrefix):
		return true
	case isRequest && name == "host":
		// A request has exactly one Host, which can be replaced.
		return action != HeaderSet
	case !isRequest && name == "connection":
		return true
	case slices.Contains(hop, name), isRequest && name == "expect":
		return action != HeaderRemove
	}
	return false
}

// ValidHeaderValue says whether a field may have this value: no control character but the tab (RFC 9110, section 5.5).
func ValidHeaderValue(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
