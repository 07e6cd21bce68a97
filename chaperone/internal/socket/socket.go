// Package socket names the sockets on which a gateway pod takes connections, as the flag --listen does.
package socket

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Reload is the name of varnishd's socket on which ghost takes reloads (docs/reference/vcl-contract.md).
const Reload = "ghost-reload"

// Key tells sockets apart: a port, and the protocol that clients speak there.
type Key struct {
	Port     int
	Protocol routing.Protocol
}

// KeyOf is the key of the socket that a listener belongs to.
func KeyOf(l routing.Listener) Key { return Key{Port: int(l.Port), Protocol: l.Protocol} }

// Name under which VCL and routing.json know the socket: "http-80", "https-443".
func (k Key) Name() string {
	return strings.ToLower(string(k.Protocol)) + "-" + strconv.Itoa(k.Port)
}

// Socket is one open port of the gateway.
type Socket struct {
	Key
	// Proxy says that a load balancer in front begins each connection with a PROXY header.
	Proxy bool
}

// Parse reads one value of --listen.
func Parse(text string) (Socket, error) {
	name, proxy := strings.CutSuffix(text, gatewaypod.ProxySuffix)
	scheme, portText, found := strings.Cut(name, "-")
	if !found {
		return Socket{}, fmt.Errorf("socket %q is not of the form http-PORT or https-PORT", text)
	}
	protocol := routing.Protocol(strings.ToUpper(scheme))
	if (protocol != routing.ProtocolHTTP && protocol != routing.ProtocolHTTPS) || scheme != strings.ToLower(scheme) {
		return Socket{}, fmt.Errorf("socket %q: protocol %q is neither http nor https", text, scheme)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || port == 0 || strconv.FormatUint(port, 10) != portText {
		return Socket{}, fmt.Errorf("socket %q: port %q is not a number from 1 to 65535", text, portText)
	}
	return Socket{Key: Key{Port: int(port), Protocol: protocol}, Proxy: proxy}, nil
}

// ParseAll reads every value of --listen. A port can be opened once only, as the protocols that there are all use TCP.
func ParseAll(texts []string) ([]Socket, error) {
	byPort := map[int]string{}
	var sockets []Socket
	for _, text := range texts {
		s, err := Parse(text)
		if err != nil {
			return nil, err
		}
		if other, taken := byPort[s.Port]; taken {
			return nil, fmt.Errorf("sockets %q and %q have the same port", other, text)
		}
		byPort[s.Port] = text
		sockets = append(sockets, s)
	}
	return sockets, nil
}

// Flag is the value of --listen for this socket.
func (s Socket) Flag() string {
	if s.Proxy {
		return s.Name() + gatewaypod.ProxySuffix
	}
	return s.Name()
}

// Secure says whether chaperone terminates TLS for this socket, and varnishd sees a unix socket.
func (s Socket) Secure() bool {
	return s.Protocol == routing.ProtocolHTTPS
}

// Address is where clients connect, as net.Listen takes it.
func (s Socket) Address(host string) string {
	return net.JoinHostPort(host, strconv.Itoa(s.Port))
}

// Path is the unix socket on which varnishd takes the plaintext of a secure socket.
func (s Socket) Path(dir string) string {
	return UnixPath(dir, s.Name())
}

// UnixPath is the unix socket of varnishd's socket of that name.
func UnixPath(dir, name string) string {
	return filepath.Join(dir, name+".sock")
}

// Argument is the value of varnishd's -a for this socket.
func (s Socket) Argument(host, dir string) string {
	switch {
	case s.Secure():
		return s.Name() + "=" + s.Path(dir) + ",PROXY"
	case s.Proxy:
		return s.Name() + "=" + s.Address(host) + ",PROXY"
	default:
		return s.Name() + "=" + s.Address(host) + ",HTTP"
	}
}

// ReloadArgument is the value of varnishd's -a for the socket on which ghost takes reloads.
func ReloadArgument(dir string) string {
	return Reload + "=" + UnixPath(dir, Reload) + ",HTTP"
}
