package local

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/contract"
)

// gatewayOn is a Gateway with a listener on each port.
func gatewayOn(name string, ports ...string) string {
	var listeners strings.Builder
	for _, port := range ports {
		fmt.Fprintf(&listeners, "{name: http-%s, port: %s, protocol: HTTP}, ", port, port)
	}
	return fmt.Sprintf(`{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: %s},
  spec: {gatewayClassName: varnish, listeners: [%s]}}`, name, listeners.String())
}

const oneRoute = `{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: hello},
  spec: {parentRefs: [{name: web}], rules: [{backendRefs: [{name: hello, port: 80}]}]}}`

func TestAGatewayIsRunAndFollowed(t *testing.T) {
	r := start(t, map[string]string{"gateway.yaml": gatewayOn("web", freePort(t))})
	r.await("the gateway is programmed", programmed("web"))
	assert.Equal(t, int64(1), contract.Sequence([]byte(r.config("web", "routing.json"))))
	assert.Contains(t, r.config("web", "main.vcl"), "import ghost")

	r.write("route.yaml", oneRoute)
	r.await("the route is there", func(s shown) bool { return len(s.Routes) == 1 && programmed("web")(s) })
	assert.Equal(t, int64(2), contract.Sequence([]byte(r.config("web", "routing.json"))))

	r.write("route.yaml", "kind: [")
	r.await("the broken file is named", func(s shown) bool { return len(s.problems) == 1 })
	assert.Len(t, r.latest().Routes, 1, "what was good still serves")
	assert.Equal(t, int64(2), contract.Sequence([]byte(r.config("web", "routing.json"))))

	require.NoError(t, os.Truncate(filepath.Join(r.dir, "route.yaml"), 0))
	r.await("the emptied file has nothing any more", func(s shown) bool { return len(s.problems) == 0 && len(s.Routes) == 0 })

	r.remove("gateway.yaml")
	r.await("the gateway is gone", func(s shown) bool { return len(s.Gateways) == 0 })
}

func TestTheKeysOfAGatewayThatIsGoneGoWithIt(t *testing.T) {
	state := newState(t)
	earlier := state.gatewayDir(Key{"default", "earlier"})
	require.NoError(t, os.MkdirAll(earlier, 0o700))
	r := startIn(t, state, map[string]string{
		"web.yaml": gatewayOn("web", freePort(t)), "other.yaml": gatewayOn("other", freePort(t)), "broken.yaml": "kind: [",
	})
	r.await("both are programmed", func(s shown) bool { return programmed("web")(s) && programmed("other")(s) })
	assert.DirExists(t, earlier, "the broken file may be its")
	r.write("broken.yaml", oneRoute)
	require.Eventually(t, func() bool { _, err := os.Stat(earlier); return os.IsNotExist(err) }, 30*time.Second, 10*time.Millisecond)

	web := state.gatewayDir(Key{"default", "web"})
	require.DirExists(t, web)
	r.remove("web.yaml")
	require.Eventually(t, func() bool { _, err := os.Stat(web); return os.IsNotExist(err) }, 30*time.Second, 10*time.Millisecond)
	assert.NotEmpty(t, r.config("other", "routing.json"), "the other one's stay")
	r.await("the other one still runs", programmed("other"))
}

func TestAChaperoneThatEndsIsStartedAgain(t *testing.T) {
	r := start(t, map[string]string{"gateway.yaml": gatewayOn("web", freePort(t))})
	r.await("the gateway is programmed", programmed("web"))
	pids := children(t)
	require.Len(t, pids, 1)
	before := r.now()
	require.NoError(t, syscall.Kill(pids[0], syscall.SIGKILL))
	r.passed("the end is told", before, says("web", "ended: signal: killed"))
	r.await("another one runs", programmed("web"))
	r.stop()
	assert.Empty(t, children(t), "nothing is left behind")
}

func TestAnotherPortRestartsTheGateway(t *testing.T) {
	r := start(t, map[string]string{"gateway.yaml": gatewayOn("web", freePort(t))})
	r.await("the gateway is programmed", programmed("web"))
	pids, before := children(t), r.now()
	r.write("gateway.yaml", gatewayOn("web", freePort(t)))
	r.passed("it is down for a moment", before, says("web", "The gateway is starting."))
	r.await("it is programmed again", programmed("web"))
	assert.NotEqual(t, pids, children(t))
}

func TestAPortThatSomebodyElseHasIsNamed(t *testing.T) {
	port := freePort(t)
	squatter := &http.Server{Addr: "127.0.0.1:" + port}
	go func() { _ = squatter.ListenAndServe() }()
	t.Cleanup(func() { require.NoError(t, squatter.Close()) })
	require.Eventually(t, func() bool { _, err := http.Get("http://127.0.0.1:" + port); return err == nil }, 10*time.Second, time.Millisecond)
	r := start(t, map[string]string{"gateway.yaml": gatewayOn("web", port)})
	r.await("the conflict is named", says("web", "port "+port+" on 127.0.0.1 is in use by another process"))
}
