//go:build cluster

package e2ecluster

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestVCLThatDoesNotCompileLeavesTheLastGoodOne, also in pods that start meanwhile.
func TestVCLThatDoesNotCompileLeavesTheLastGoodOne(t *testing.T) {
	ns := namespace(t)
	vcl := func(body string) {
		indented := strings.ReplaceAll("vcl 4.1;\n"+body, "\n", "\n    ")
		apply(t, ns, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web-vcl}\ndata:\n  main.vcl: |\n    "+indented+"\n")
	}
	vcl(`sub vcl_deliver { set resp.http.X-VCL = "good"; }`)
	class(t, "e2e-vcl", "{vcl: {namespace: "+ns+", name: web-vcl}}")
	backend(t, ns, "one", 1)
	apply(t, ns, gatewayOf("e2e-vcl", "web", http80, ""))
	address := programmed(t, ns, "web")
	apply(t, ns, route("one", "web", "/one", "one"))
	goodVCL := func(address string) {
		eventually(t, "the good VCL's header from "+address, func() error {
			response, err := http.Get("http://" + address + "/one")
			if err != nil {
				return err
			}
			response.Body.Close()
			if response.StatusCode != 200 || response.Header.Get("X-VCL") != "good" {
				return fmt.Errorf("status %d, header %q", response.StatusCode, response.Header.Get("X-VCL"))
			}
			return nil
		})
	}
	goodVCL(address)

	vcl("sub vcl_deliver {\n  set resp.http.X-VCL = nonsense;\n}")
	eventually(t, "the compiler's words in a condition", func() error {
		out, err := kubectl(t.Context(), "", "-n", ns, "get", "gateway", "web", "-o", "jsonpath={.status.conditions}")
		if err == nil && (!strings.Contains(out, "nonsense") || !strings.Contains(out, "Line")) {
			err = fmt.Errorf("conditions %s", out)
		}
		return err
	})
	goodVCL(address)
	scale(t, ns, "web", 2)
	for name := range pods(t, ns, "web") {
		ip := do(t, "-n", ns, "get", "pod", name, "-o", "jsonpath={.status.podIP}")
		goodVCL(ip)
	}
	published := do(t, "-n", ns, "get", "configmap", "web-varnish-gateway", "-o", `jsonpath={.data.main\.vcl}`)
	require.Contains(t, published, `X-VCL = "good"`)
	require.NotContains(t, published, "nonsense")
}
