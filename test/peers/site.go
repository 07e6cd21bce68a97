// Package peers measures the gateway beside other proxies: each with a configuration of its own, on
// the loopback of one machine, in interleaved rounds.
package peers

import (
	"bytes"
	"embed"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"text/template"

	"github.com/varnish-gateway/gateway/test/certificate"
)

//go:embed configs
var configs embed.FS

// site is what a peer is to serve. Templates of configurations read it.
type site struct {
	// Hosts are the names that have a route; each leads to Origin with every path.
	Hosts []string
	// AnyHost says that routes have no host names, and so take every host. Only the gateway is
	// asked for that.
	AnyHost bool
	// Cache says that what the origin allows to be kept is to be kept. Otherwise everything is
	// passed.
	Cache bool
	// Policy says that a cache policy decides that, or what does the same.
	Policy bool
	// TLS says that there is an HTTPS listener as well.
	TLS bool
	// Pair is the certificate with its key, and Certificate the PEM file that has both.
	Pair        certificate.Pair
	Certificate string
	// HTTP and HTTPS are where to listen, Origin is whom to ask.
	HTTP, HTTPS, Origin netip.AddrPort
	// Directory for the peer's files.
	Directory string
	// Cores to use.
	Cores int
	// Root says that the peer runs as root.
	Root bool
	// Behind is where the gateway listens that another peer stands in front of, and Socket is the
	// unix socket of its varnishd.
	Behind netip.AddrPort
	Socket string
}

// hosts are the names of n routes.
func hosts(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = "route-" + strconv.Itoa(i) + ".example"
	}
	return names
}

// firstHost has a route in every configuration.
const firstHost = "route-0.example"

// render writes a configuration into the peer's directory, in one step.
func (s site) render(config, to string) error {
	text, err := s.text(config)
	if err != nil {
		return err
	}
	path := filepath.Join(s.Directory, to)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (s site) text(config string) ([]byte, error) {
	t, err := template.ParseFS(configs, "configs/"+config)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, s); err != nil {
		return nil, fmt.Errorf("configuration %s: %w", config, err)
	}
	return text.Bytes(), nil
}

// renderAll writes several configurations, given as pairs of a template and a file.
func (s site) renderAll(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if err := s.render(pairs[i], pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// ports gives addresses that nobody listens on, below those that the kernel gives to clients
// (ip_local_port_range, ip(7)), each once.
type ports struct{ last int }

func (p *ports) next() (netip.AddrPort, error) {
	const first, beyond = 17000, 30000
	for p.last = max(p.last, first); p.last < beyond; {
		p.last++
		address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(p.last))
		if listener, err := net.Listen("tcp", address.String()); err == nil {
			return address, listener.Close()
		}
	}
	return netip.AddrPort{}, fmt.Errorf("no port is free from %d to %d", first, beyond)
}

// logs is the end of what the peer has written.
func (s site) logs() string {
	paths, err := filepath.Glob(filepath.Join(s.Directory, "*.log"))
	if err != nil {
		return err.Error()
	}
	var all bytes.Buffer
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err.Error()
		}
		const most = 2000
		all.Write(text[max(0, len(text)-most):])
	}
	return all.String()
}
