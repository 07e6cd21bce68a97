package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
)

var update = flag.Bool("update", false, "write the reference page anew")

const (
	page  = "../../../docs/reference/operator.md"
	begin = "<!-- flags: go test ./cmd/operator -update -->\n"
	end   = "<!-- end of flags -->\n"
)

func TestTheReferencePageHasTheFlags(t *testing.T) {
	t.Setenv("GATEWAY_IMAGE", "")
	t.Setenv("POD_NAMESPACE", "")
	content, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(content), begin)
	require.True(t, found, "%s has no mark for the flags", page)
	table, after, found := strings.Cut(rest, end)
	require.True(t, found, "%s has no mark for the end of the flags", page)
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(before+begin+flagTable()+end+after), 0o644))
		return
	}
	assert.Equal(t, flagTable(), table, "run: go test ./cmd/operator -update")
}

func flagTable() string {
	var b strings.Builder
	b.WriteString("| flag | default | meaning |\n|---|---|---|\n")
	new(options).flags().VisitAll(func(f *pflag.Flag) {
		value, usage := pflag.UnquoteUsage(f)
		name, fallback := "--"+f.Name, ""
		if f.Value.Type() != "bool" {
			name += " " + value
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
			fallback = "`" + f.DefValue + "`"
		}
		escape := strings.NewReplacer("|", `\|`)
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", escape.Replace(name), fallback, escape.Replace(usage))
	})
	return b.String()
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	t.Setenv("GATEWAY_IMAGE", "")
	t.Setenv("POD_NAMESPACE", "")
	for name, c := range map[string]struct {
		args    []string
		problem string
	}{
		"no image":                       {nil, "--gateway-image"},
		"a leader without a namespace":   {[]string{"--gateway-image=x", "--leader-elect"}, "--namespace"},
		"a controller without a domain":  {[]string{"--gateway-image=x", "--controller-name=varnish"}, "--controller-name"},
		"a hop that is no network":       {[]string{"--gateway-image=x", "--trusted-hops=10.0.0.1"}, "--trusted-hops"},
		"a level of another name":        {[]string{"--gateway-image=x", "--log-level=loud"}, "log-level"},
		"an argument that is not a flag": {[]string{"--gateway-image=x", "y"}, `"y"`},
		"an unknown flag":                {[]string{"--nonsense"}, "--nonsense"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(c.args)
			require.ErrorContains(t, err, c.problem)
		})
	}
}

func TestTheEnvironmentNamesImageAndNamespace(t *testing.T) {
	t.Setenv("GATEWAY_IMAGE", "gateway:1")
	t.Setenv("POD_NAMESPACE", "system")
	o, err := parse([]string{"--leader-elect", "--trusted-hops=10.1.2.3/8,fd00::/8", "--log-level=debug"})
	require.NoError(t, err)
	assert.Equal(t, "gateway:1", o.gatewayImage)
	assert.Equal(t, "system", o.namespace)
	assert.Equal(t, []string{"10.0.0.0/8", "fd00::/8"}, o.inputs().TrustedHops)
	assert.Equal(t, zapcore.DebugLevel, o.logLevel)
}

// Operators of one controller name, wherever they are installed, elect one leader; those of another name elect theirs.
func TestEachControllerNameHasALease(t *testing.T) {
	lease := func(args ...string) string {
		o, err := parse(append([]string{"--gateway-image=x"}, args...))
		require.NoError(t, err)
		return o.leaseName
	}
	assert.Equal(t, "varnish-gateway-operator", lease(), "as it was before there was one for each name")
	assert.Equal(t, lease("--controller-name=example.org/a"), lease("--controller-name=example.org/a", "--namespace=x"))
	assert.NotEqual(t, lease("--controller-name=example.org/a"), lease("--controller-name=example.org/b"))
	assert.Equal(t, "mine", lease("--controller-name=example.org/a", "--lease=mine"))
}

func TestVersionNeedsNothingElse(t *testing.T) {
	o, err := parse([]string{"--version"})
	require.NoError(t, err)
	assert.True(t, o.version)
}
