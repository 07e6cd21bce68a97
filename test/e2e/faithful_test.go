package e2e

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the list of differences into its page")

// pageOfPasses has the differences between the marks.
const (
	pageOfPasses = "../../docs/reference/passes.md"
	beginOfList  = "<!-- made by test/e2e: go test -run PageOfPasses -update -->\n"
	endOfList    = "<!-- end -->\n"
)

func TestThePageOfPassesIsTheList(t *testing.T) {
	page, err := os.ReadFile(pageOfPasses)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(page), beginOfList)
	require.True(t, found)
	_, after, found := strings.Cut(rest, endOfList)
	require.True(t, found)
	want := before + beginOfList + "\n" + differencesTable() + "\n" + endOfList + after
	if *update {
		require.NoError(t, os.WriteFile(pageOfPasses, []byte(want), 0o600))
		return
	}
	assert.Equal(t, want, string(page), "the page is behind the list: go test -run PageOfPasses -update")
}

// TestPassesAreWhatTheBackendSaysInBothDoors makes each exchange with the backend itself, and through the
// gateway. Both are the same, but for the differences that the page has.
func TestPassesAreWhatTheBackendSaysInBothDoors(t *testing.T) {
	all := exchanges()
	o := startScripted(t, all)
	straight := make([]outcome, len(all))
	for number, e := range all {
		conn, err := net.Dial("tcp", o.listener.Addr().String())
		require.NoError(t, err)
		straight[number], err = askHTTP1(conn, o, number)
		require.NoError(t, err, e.name)
		_ = conn.Close()
		straight[number].request, straight[number].requestArrived = o.take()
		require.True(t, straight[number].requestArrived, e.name)
	}
	counts := map[string]int{}
	for _, door := range []string{"Direct", "Fetch"} {
		files := simpleFiles(o.port())
		files["class.yaml"] = strings.Replace(classWithVCL, "vcl: {namespace: default, name: user}", "passDoor: "+door, 1)
		g := startGateway(t, files)
		g.await("the route", func() error { return g.answers("http://a.example/", 200) })
		for _, scheme := range []string{"http", "https"} {
			for _, isHTTP2 := range []bool{false, true} {
				t.Run(fmt.Sprintf("door %s, %s, HTTP/2 %t", door, scheme, isHTTP2), func(t *testing.T) {
					g.t = t
					for number, e := range all {
						if e.onlyHTTP1 && isHTTP2 {
							continue
						}
						want, got := clone(straight[number]), clone(g.ask(scheme, isHTTP2, o, number))
						c := comparison{exchange: e, isFetch: door == "Fetch", scheme: scheme, isHTTP2: isHTTP2, want: &want, got: &got}
						c.allow(counts)
						assert.Equal(t, want.String(), got.String(), e.name)
					}
				})
			}
		}
		g.t = t
	}
	for _, list := range [][]difference{ofTheAnswer, ofTheRequest} {
		for i, d := range list {
			assert.NotZero(t, counts[fmt.Sprintf("%d %s", i, d.what)], "no exchange has the difference %q", d.what)
		}
	}
}

// digest is a text that fits on a line.
func digest(text string) string {
	if len(text) <= 200 {
		return strconv.Quote(text)
	}
	return fmt.Sprintf("%d bytes, SHA-256 %x", len(text), sha256.Sum256([]byte(text)))
}

func (g *gateway) ask(scheme string, isHTTP2 bool, o *scripted, number int) (out outcome) {
	g.t.Helper()
	var err error
	if isHTTP2 {
		out, err = g.askHTTP2(scheme, o, number)
	} else {
		conn := g.connect(scheme, "http/1.1")
		defer conn.Close()
		out, err = askHTTP1(conn, o, number)
	}
	require.NoError(g.t, err, o.exchanges[number].name)
	out.request, out.requestArrived = o.take()
	return out
}

// clone copies an outcome, whose fields differences change.
func clone(o outcome) outcome {
	for _, fields := range []*map[string][]string{&o.fields, &o.trailers, &o.request.fields} {
		if *fields = maps.Clone(*fields); *fields == nil {
			*fields = map[string][]string{}
		}
	}
	return o
}

// String has what a test compares, a line for each part.
func (o outcome) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "answered %t, interim %v, status %d %q\n%sbody %s, whole %t\n", o.isAnswered, o.interim, o.status, o.reason, lines(o.fields), digest(o.body), o.isWhole)
	fmt.Fprintf(&b, "trailers:\n%s", lines(o.trailers))
	r := o.request
	fmt.Fprintf(&b, "arrived %t: %s %s of %q, %s\n%sbody %s\n", o.requestArrived, r.method, r.target, r.host, r.version, lines(r.fields), digest(r.body))
	return b.String()
}

func lines(fields map[string][]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, value := range fields[name] {
			fmt.Fprintf(&b, "  %s: %q\n", name, value)
		}
	}
	return b.String()
}
