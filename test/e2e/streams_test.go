package e2e

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// inUTF16 writes a text as editors and shells of Windows do, with a byte order mark.
func inUTF16(text string, order binary.AppendByteOrder) string {
	data := order.AppendUint16(nil, 0xFEFF)
	for _, unit := range utf16.Encode([]rune(text)) {
		data = order.AppendUint16(data, unit)
	}
	return string(data)
}

// documents of YAML as JSON objects, each on a line.
func asJSON(t *testing.T, documents ...string) []string {
	t.Helper()
	var objects []string
	for _, document := range documents {
		data, err := yaml.YAMLToJSON([]byte(document))
		require.NoError(t, err)
		objects = append(objects, string(data))
	}
	return objects
}

// stream is a file with two routes, in one of the forms that files have.
type stream struct {
	ending string
	// text makes the file of two documents of YAML.
	text func(t *testing.T, first, second string) string
}

// twoDocuments is the form that is written most.
func twoDocuments(first, second string) string { return first + "---\n" + second }

func inForm(form func(text string) string) func(*testing.T, string, string) string {
	return func(_ *testing.T, first, second string) string { return form(twoDocuments(first, second)) }
}

func ofJSON(form func(objects []string) string) func(*testing.T, string, string) string {
	return func(t *testing.T, first, second string) string { return form(asJSON(t, first, second)) }
}

// streams are files that hold all that they seem to hold: YAML 1.2 section 5.2 (encodings), 5.4 (line
// ends) and 9.1 (markers), and several JSON values as kubectl takes them.
var streams = map[string]stream{
	"UTF-8":                      {".yaml", inForm(func(text string) string { return text })},
	"UTF-8 with a mark":          {".yaml", inForm(func(text string) string { return "\uFEFF" + text })},
	"UTF-16, little end first":   {".yaml", inForm(func(text string) string { return inUTF16(text, binary.LittleEndian) })},
	"UTF-16, big end first":      {".yaml", inForm(func(text string) string { return inUTF16(text, binary.BigEndian) })},
	"CR and LF":                  {".yaml", inForm(func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") })},
	"CR alone":                   {".yaml", inForm(func(text string) string { return strings.ReplaceAll(text, "\n", "\r") })},
	"CR and LF in UTF-16":        {".yml", inForm(func(text string) string { return inUTF16(strings.ReplaceAll(text, "\n", "\r\n"), binary.LittleEndian) })},
	"an end before the marker":   {".yaml", inForm(func(text string) string { return strings.Replace(text, "---\n", "...\n---\n", 1) })},
	"content behind the marker":  {".yaml", ofJSON(func(o []string) string { return o[0] + "\n--- " + o[1] + "\n" })},
	"JSON objects, line by line": {".json", ofJSON(func(o []string) string { return strings.Join(o, "\n") + "\n" })},
	"JSON objects on one line":   {".json", ofJSON(func(o []string) string { return strings.Join(o, "") })},
	"JSON objects in UTF-16":     {".json", ofJSON(func(o []string) string { return inUTF16(strings.Join(o, "\n"), binary.BigEndian) })},
	"a List of Lists": {".JSON", ofJSON(func(o []string) string {
		return fmt.Sprintf(`{"kind":"List","apiVersion":"v1","items":[%s,{"kind":"List","apiVersion":"v1","items":[%s]}]}`, o[0], o[1])
	})},
}

// refusedStreams cannot be read as a whole. Each document that can be read takes effect, and what the
// others held stays as it was.
var refusedStreams = map[string]struct {
	form func(text string) string
	// says is what is said of it.
	says string
	// taken is how many of the two routes can be read.
	taken int
}{
	"Latin-1":                       {func(text string) string { return text + "# caf\xe9\n" }, "not text in UTF-8", 0},
	"half a character of UTF-16":    {func(text string) string { return inUTF16(text, binary.LittleEndian) + "x" }, "odd number of bytes", 0},
	"content behind an end":         {func(text string) string { return text + "... x: 1\n" }, "expected <document start>", 1},
	"a second one that is cut off":  {func(text string) string { return text + "  x: [1,\n" }, "did not find expected node content", 1},
	"a NUL in the second":           {func(text string) string { return text + "\x00" }, "control characters are not allowed", 1},
	"a third one that is no object": {func(text string) string { return text + "---\nx\n" }, "not an object", 2},
}

// twoRoutes are documents for the hosts first-NAME and second-NAME, which say in an answer's header
// which step they are of.
func twoRoutes(name, step string) (string, string) {
	rules := fmt.Sprintf(`  - filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: X-Step, value: %q}]}}]
    backendRefs: [{name: one, port: 80}]`, step)
	return route("first-"+name, "first-"+name+".example", rules), route("second-"+name, "second-"+name+".example", rules)
}

// servesStep makes an error of a host whose route is not of this step.
func (g *gateway) servesStep(host, step string) error {
	a, err := g.get("http://" + host + ".example/")
	if err == nil && (a.StatusCode != http.StatusOK || a.Header.Get("X-Step") != step) {
		err = fmt.Errorf("%s answers %d with X-Step %q", host, a.StatusCode, a.Header.Get("X-Step"))
	}
	return err
}

// TestAllOfAFileIsServed in whatever form it is: by run, check and explain.
func TestAllOfAFileIsServed(t *testing.T) {
	one := startBackend(t, "one")
	g := startGateway(t, map[string]string{"gateway.yaml": plainGateway, "one.yaml": service("one", one.port)})
	names := map[string]string{}
	for form, s := range streams {
		name := fmt.Sprint(len(names))
		names[form] = name
		first, second := twoRoutes(name, form)
		g.write(name+s.ending, s.text(t, first, second))
	}
	for form, name := range names {
		t.Run(form, func(t *testing.T) {
			g.await("the first route", func() error { return g.servesStep("first-"+name, form) })
			require.NoError(t, g.servesStep("second-"+name, form))
			output, err := gatewayctl(t, "explain", "-f", g.dir, "GET", fmt.Sprintf("http://second-%s.example:%d/", name, g.http))
			require.NoError(t, err, output)
			assert.Contains(t, output, "HTTPRoute default/second-"+name)
		})
	}
	output, err := gatewayctl(t, "check", "-f", g.dir)
	require.NoError(t, err, output)
}

// TestAFileThatCannotBeReadAsAWholeIsRefusedByName, and what cannot be read anew is served on.
func TestAFileThatCannotBeReadAsAWholeIsRefusedByName(t *testing.T) {
	one := startBackend(t, "one")
	g := startGateway(t, map[string]string{"gateway.yaml": plainGateway, "one.yaml": service("one", one.port)})
	file := filepath.Join(g.dir, "routes.yaml")
	n := 0
	for form, s := range refusedStreams {
		t.Run(form, func(t *testing.T) {
			n++
			good, bad := fmt.Sprint("good-", n), fmt.Sprint("bad-", n)
			g.write("routes.yaml", twoDocuments(twoRoutes("x", good)))
			g.await(good, func() error { return g.servesStep("second-x", good) })
			g.write("routes.yaml", s.form(twoDocuments(twoRoutes("x", bad))))
			// What is written later is read with it, or after it.
			g.write("later.yaml", route("later", bad+".example", "  - backendRefs: [{name: one, port: 80}]"))
			g.await("a later route", func() error { return g.from("one", "http://"+bad+".example/") })
			for i, host := range []string{"first-x", "second-x"} {
				step := good
				if i < s.taken {
					step = bad
				}
				require.NoError(t, g.servesStep(host, step))
			}
			output, err := gatewayctl(t, "check", "-f", g.dir)
			require.Error(t, err, "check finds it")
			assert.Regexp(t, regexp.QuoteMeta(file)+"[^\n]*"+regexp.QuoteMeta(s.says), output)
			assert.Regexp(t, regexp.QuoteMeta(file)+"[^\n]*"+regexp.QuoteMeta(s.says), g.log.String(), "and run says it too")
		})
	}
}
