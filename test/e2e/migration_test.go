package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/process"
	"github.com/varnish-gateway/gateway/test/stack"
)

const (
	guideFromVCL   = "../../docs/guides/caching-from-vcl.md"
	guideFromNginx = "../../docs/guides/caching-from-nginx.md"
)

// startOfGuide serves the manifests of a guide, whose service "shop" is the origin.
func startOfGuide(t *testing.T, page string, o *origin) *gateway {
	return startGateway(t, map[string]string{
		"gateway.yaml": plainGateway, "services.yaml": service("shop", o.port), "guide.yaml": blocks(t, page, yamlBlock, "---\n"),
	})
}

// startPlainVarnish runs varnishd with VCL whose backend is the origin, and gives its address.
func startPlainVarnish(t *testing.T, vcl string, o *origin) string {
	binaries, err := stack.FindBinaries("../../build")
	require.NoError(t, err)
	vcl = strings.NewReplacer(`"shop"`, `"127.0.0.1"`, `"80"`, fmt.Sprintf("%q", fmt.Sprint(o.port))).Replace(vcl)
	file := filepath.Join(t.TempDir(), "site.vcl")
	require.NoError(t, os.WriteFile(file, []byte(vcl), 0o600))
	// The path of its sockets must be short.
	dir, err := os.MkdirTemp("", "varnishd-")
	require.NoError(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", freePorts(t, 1)[0])
	command := exec.Command(binaries.Varnishd, "-F", "-n", dir, "-a", address, "-f", file, "-s", "malloc,64m")
	log := &syncBuffer{}
	command.Stdout, command.Stderr = log, log
	child, err := process.StartChild(command)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, child.End(syscall.SIGTERM, 20*time.Second), "%s", log)
		assert.NoError(t, os.RemoveAll(dir))
	})
	return address
}

// migrated is a request that is sent twice, the second time with what `again` has.
type migrated struct {
	path           string
	options, again []option
	isHit          bool
}

// ask tells whether the second answer is the first one.
func (m migrated) ask(t *testing.T, g *gateway, options ...option) bool {
	t.Helper()
	all := append(append([]option{}, m.options...), options...)
	first, err := g.get("http://a.example"+m.path, all...)
	require.NoError(t, err)
	second, err := g.get("http://a.example"+m.path, append(all, m.again...)...)
	require.NoError(t, err)
	return string(first.body) == string(second.body)
}

// at asks another server than the gateway.
func at(address string) option {
	return func(_ *http.Request, transport *http.Transport) {
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	}
}

func TestThePolicyOfTheGuideDoesWhatItsVCLDoes(t *testing.T) {
	o := startOrigin(t)
	g := startOfGuide(t, guideFromVCL, o)
	varnish := at(startPlainVarnish(t, blocks(t, guideFromVCL, vclBlock, "\n"), o))
	g.await("plain Varnish", func() error { _, err := g.get("http://a.example/await", varnish); return err })
	fresh := withHeader("X-Respond-Cache-Control", "max-age=60")
	for sentence, c := range map[string]migrated{
		"a page":                                    {"/page", []option{fresh}, nil, true},
		"a page whose origin says nothing":          {"/silent", nil, nil, true},
		"a private page":                            {"/private", []option{withHeader("X-Respond-Cache-Control", "private")}, nil, false},
		"a page that sets a cookie":                 {"/cookie", []option{fresh, withHeader("X-Respond-Set-Cookie", "a=1")}, nil, false},
		"a session":                                 {"/mine", []option{fresh}, []option{withHeader("Cookie", "session=1")}, false},
		"a cart beside other cookies":               {"/cart", []option{fresh}, []option{withHeader("Cookie", "a=1; cart=2")}, false},
		"a cookie of which nobody cares":            {"/any", []option{fresh}, []option{withHeader("Cookie", "visits=1")}, true},
		"a campaign":                                {"/c?utm_source=a&x=1", []option{fresh}, []option{withURL("/c?x=1&gclid=b")}, true},
		"the order of parameters":                   {"/o?b=2&a=1", []option{fresh}, []option{withURL("/o?a=1&b=2")}, true},
		"another parameter":                         {"/p?a=1", []option{fresh}, []option{withURL("/p?a=2")}, false},
		"the checkout":                              {"/checkout/1", []option{fresh}, nil, false},
		"static files that must not be stored long": {"/static/a", []option{withHeader("X-Respond-Cache-Control", "max-age=0")}, nil, true},
		"static files that set a cookie":            {"/static/b", []option{fresh, withHeader("X-Respond-Set-Cookie", "a=1")}, nil, true},
		"a form":                                    {"/form", []option{fresh, withBody("x=1")}, nil, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			assert.Equal(t, c.isHit, c.ask(t, g, varnish), "plain Varnish")
			assert.Equal(t, c.isHit, c.ask(t, g), "the policy")
		})
	}
}

func TestThePolicyOfTheGuideFromNginxDoesWhatTheGuideSays(t *testing.T) {
	o := startOrigin(t)
	g := startOfGuide(t, guideFromNginx, o)
	fresh := withHeader("X-Respond-Cache-Control", "max-age=60")
	noCache := withHeader("X-Respond-Cache-Control", "max-age=0")
	for sentence, c := range map[string]migrated{
		"a page whose origin says nothing":            {"/silent", nil, nil, true},
		"Cache-Control goes first":                    {"/private", []option{withHeader("X-Respond-Cache-Control", "private")}, nil, false},
		"a parameter of the key":                      {"/p?id=1", []option{fresh}, []option{withURL("/p?id=2")}, false},
		"a parameter that is none":                    {"/q?id=1&x=1", []option{fresh}, []option{withURL("/q?x=2&id=1")}, true},
		"a session":                                   {"/mine", []option{fresh}, []option{withHeader("Cookie", "session=1")}, false},
		"a preview":                                   {"/preview", []option{fresh}, []option{withHeader("X-Preview", "1")}, false},
		"a cookie of which nobody cares":              {"/any", []option{fresh}, []option{withHeader("Cookie", "visits=1")}, true},
		"an asset, whatever Cache-Control says":       {"/assets/a", []option{noCache}, nil, true},
		"an asset that sets a cookie":                 {"/assets/b", []option{withHeader("X-Respond-Set-Cookie", "a=1")}, nil, true},
		"an account":                                  {"/account/a", []option{fresh}, nil, false},
		"a targeted field in the place of an accel's": {"/t", []option{noCache, withHeader("X-Respond-Varnish-Gateway-Cache-Control", "max-age=60")}, nil, true},
	} {
		t.Run(sentence, func(t *testing.T) { assert.Equal(t, c.isHit, c.ask(t, g)) })
	}
	t.Run("a stale page while the origin fails", func(t *testing.T) {
		stale := []option{noCache, withHeader("X-Respond-Etag", `"1"`)}
		first, err := g.get("http://a.example/stale", stale...)
		require.NoError(t, err)
		o.fails.Store(true)
		defer o.fails.Store(false)
		second, err := g.get("http://a.example/stale", stale...)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, second.StatusCode)
		assert.Equal(t, string(first.body), string(second.body))
	})
}
