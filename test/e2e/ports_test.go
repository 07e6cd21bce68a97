package e2e

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/recorder"
	"github.com/varnish-gateway/gateway/test/stack"
)

// gatewayctl runs one of its commands that ends by itself, such as check, and gives what it prints.
func gatewayctl(t *testing.T, args ...string) (string, error) {
	t.Helper()
	binaries, err := stack.FindBinaries("../../build")
	require.NoError(t, err)
	output, err := exec.Command(binaries.Gatewayctl, args...).CombinedOutput()
	return string(output), err
}

// appProtocols are values of appProtocol, each with the status of an answer: 200 where the port is
// spoken to in HTTP/1.1, and 500 where it is sent nothing, since a backend must not be sent what it
// does not expect (GEP-1911). Case does not matter (RFC 6335 section 5.1).
var appProtocols = []struct {
	name   string
	status int
}{
	{"", 200}, {"http", 200}, {"HTTP", 200}, {"www", 200}, {"http/1.1", 200}, {"grpc-web", 200}, {"TCP", 200},
	{"https", 500}, {"HTTPS", 500}, {"tls", 500}, {"TLS", 500}, {"ssl", 500},
	{"h2c", 500}, {"H2C", 500}, {"HTTP2", 500}, {"http/2", 500}, {"grpc", 500}, {"GRPC", 500}, {"grpcs", 500},
	{"ws", 500}, {"wss", 500}, {"WSS", 500}, {"redis", 500},
	{"kubernetes.io/h2c", 500}, {"kubernetes.io/ws", 500}, {"kubernetes.io/wss", 500},
	{"kubernetes.io/http", 500}, {"example.com/http", 500},
}

// TestABackendIsSentWhatItsAppProtocolSays, and nothing where that is not HTTP/1.1.
func TestABackendIsSentWhatItsAppProtocolSays(t *testing.T) {
	backend := startRecorder(t, nil)
	var ports, endpoints []string
	routes := ""
	for i, p := range appProtocols {
		protocol := ""
		if p.name != "" {
			protocol = ", appProtocol: " + p.name
		}
		ports = append(ports, fmt.Sprintf("{name: p%d, port: %d%s}", i, 1000+i, protocol))
		endpoints = append(endpoints, fmt.Sprintf("{name: p%d, port: %d}", i, backend.Port()))
		routes += route(fmt.Sprintf("r%d", i), fmt.Sprintf("p%d.example", i),
			fmt.Sprintf("  - backendRefs: [{name: app, port: %d}]", 1000+i)) + "---\n"
	}
	g := startGateway(t, map[string]string{
		"gateway.yaml": plainGateway,
		"app.yaml": fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: app}
spec: {ports: [%s]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: app-1, labels: {kubernetes.io/service-name: app}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1]}]
ports: [%s]
`, strings.Join(ports, ", "), strings.Join(endpoints, ", ")),
		"routes.yaml": routes,
	})
	g.await("the routes", func() error { return g.answers("http://p0.example/", http.StatusOK) })
	_, err := backend.Take()
	require.NoError(t, err)
	output, err := gatewayctl(t, "check", "-f", g.dir)
	require.Error(t, err, "check finds what is not spoken")
	problems := map[string]string{}
	for line := range strings.Lines(output) {
		if _, after, ok := strings.Cut(line, "HTTPRoute default/"); ok {
			name, problem, _ := strings.Cut(after, ":")
			problems[name] += problem
		}
	}
	for i, p := range appProtocols {
		for _, scheme := range []string{"http", "https"} {
			t.Run(scheme+"/"+p.name, func(t *testing.T) {
				a, err := g.get(fmt.Sprintf("%s://p%d.example/", scheme, i))
				require.NoError(t, err)
				assert.Equal(t, p.status, a.StatusCode)
				arrivesWhere(t, p.status == http.StatusOK, backend)
				problem := problems[fmt.Sprintf("r%d", i)]
				if p.status == http.StatusOK {
					assert.Empty(t, problem)
					return
				}
				assert.Contains(t, problem, "ResolvedRefs=False (UnsupportedProtocol)")
				assert.Contains(t, problem, "speaks "+p.name+", which is not supported")
			})
		}
	}
}

// TestAPortIsTheOneOfTCP where a Service has its number for several protocols, as with HTTP/3. A port
// of a Service is known by its number and its protocol together.
func TestAPortIsTheOneOfTCP(t *testing.T) {
	tcp := startRecorder(t, nil)
	other := startRecorder(t, func(recorder.Request) (string, bool) {
		return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother", true
	})
	ofSlice := map[string]string{
		"udp":  fmt.Sprintf("{name: h3, port: %d, protocol: UDP}", other.Port()),
		"sctp": fmt.Sprintf("{name: sctp, port: %d, protocol: SCTP}", other.Port()),
		"tcp":  fmt.Sprintf("{name: http, port: %d, protocol: TCP}", tcp.Port()),
	}
	ofService := map[string]string{
		"udp": "{name: h3, port: 80, protocol: UDP}", "sctp": "{name: sctp, port: 80, protocol: SCTP}",
		"tcp": "{name: http, port: 80, protocol: TCP}",
	}
	list := func(of map[string]string, names []string) string {
		var found []string
		for _, name := range names {
			found = append(found, of[name])
		}
		return strings.Join(found, ", ")
	}
	// app has ports in this order, and a route for a host, so that it is known when they took effect.
	app := func(host string, names ...string) string {
		return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: app}
spec: {ports: [%s]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: app-1, labels: {kubernetes.io/service-name: app}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1]}]
ports: [%s]
---
`, list(ofService, names), list(ofSlice, names)) + route("main", host, "  - backendRefs: [{name: app, port: 80}]")
	}
	g := startGateway(t, map[string]string{"gateway.yaml": plainGateway})
	for i, c := range []struct {
		ports  []string
		status int
	}{
		{[]string{"udp", "tcp"}, 200},
		{[]string{"tcp", "udp"}, 200},
		{[]string{"sctp", "udp", "tcp"}, 200},
		{[]string{"udp", "sctp"}, 500},
		{[]string{"sctp", "tcp", "udp"}, 200},
		{[]string{"udp"}, 500},
	} {
		t.Run(strings.Join(c.ports, " before "), func(t *testing.T) {
			host := fmt.Sprintf("step%d.example", i)
			g.write("app.yaml", app(host, c.ports...))
			g.await("the ports", func() error { return g.answers("http://"+host+"/", c.status) })
			output, err := gatewayctl(t, "check", "-f", g.dir)
			if c.status == http.StatusOK {
				require.NoError(t, err, output)
				return
			}
			require.Error(t, err)
			assert.Contains(t, output, "ResolvedRefs=False (UnsupportedProtocol)")
			assert.Contains(t, output, `port 80 of Service "default/app" is `)
		})
	}
	requests, err := tcp.Take()
	require.NoError(t, err)
	assert.NotEmpty(t, requests)
	requests, err = other.Take()
	require.NoError(t, err)
	assert.Empty(t, requests, "what is no TCP port gets nothing")
}
