package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cachePolicies of the route and of the Gateway; soundManifests stand before them.
const cachePolicies = `---
apiVersion: gateway.varnish.io/v1alpha1
kind: VarnishCachePolicy
metadata: {name: hello}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: hello}]
  freshness: {staleWhileRevalidate: {default: 30s}}
  key: {query: {mode: Exclude, names: [utm_*]}}
---
apiVersion: gateway.varnish.io/v1alpha1
kind: VarnishCachePolicy
metadata: {name: all}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: web}]
  freshness: {maxTTL: 1h}
  storage: {setCookie: Remove, tagsHeader: Surrogate-Key}
  client: {cacheControl: {maxAge: 1m, directives: public}}
`

// explained are a question to ghost-explain and its answer, which a test of ghost's holds together.
const explained = "../../../shared/corpus/explain"

// fakeGhost is a ghost-explain that notes its question, and has the answer of the corpus.
func fakeGhost(t *testing.T) (path, question string) {
	t.Helper()
	dir := t.TempDir()
	answer, err := filepath.Abs(explained + "/answer.json")
	require.NoError(t, err)
	path, question = filepath.Join(dir, "ghost-explain"), filepath.Join(dir, "question.json")
	script := fmt.Sprintf("#!/bin/sh\ncat > %s && cat %s\n", question, answer)
	require.NoError(t, os.WriteFile(path, []byte(script), 0o755))
	return path, question
}

// golden compares with a file, which -update writes.
func golden(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), text, "%s; run: go test ./cmd/gatewayctl -update", file)
}

func TestExplainSaysHowARequestIsCached(t *testing.T) {
	ghost, question := fakeGhost(t)
	arguments := []string{
		"explain", "GET", "http://a.example:8080/x?utm_id=1&a=2", "-H", "Cookie: a=1", "--ghost-explain", ghost,
		"-A", "Cache-Control: max-age=7200", "-A", `ETag: "1"`, "-A", "Set-Cookie: a=1", "-A", "Surrogate-Key: x y", "-A", "Vary: Cookie",
	}
	text, err := ctl(t, soundManifests+cachePolicies, arguments...)
	require.NoError(t, err, text)
	golden(t, "testdata/caching.txt", text)
	asked, err := os.ReadFile(question)
	require.NoError(t, err)
	var indented bytes.Buffer
	require.NoError(t, json.Indent(&indented, regexp.MustCompile(`"now":\d+`).ReplaceAll(asked, []byte(`"now":0`)), "", "  "))
	golden(t, explained+"/question.json", indented.String()+"\n")
	text, err = ctl(t, soundManifests+cachePolicies, append(arguments, "-o", "json")...)
	require.NoError(t, err)
	golden(t, "testdata/caching.json", text)
}

func TestExplainSaysWhyARequestIsNotCached(t *testing.T) {
	ghost, question := fakeGhost(t)
	const url = "http://a.example:8080/x"
	cases := map[string]struct {
		manifests string
		args      []string
		want      string
		asks      bool
	}{
		"there is no policy":              {soundManifests, []string{"GET", url}, "cache     requests are passed: no VarnishCachePolicy holds\n", false},
		"a policy says so":                {soundManifests + strings.Replace(cachePolicies, "  freshness", "  mode: Pass\n  freshness", 1), []string{"GET", url}, "cache     requests are passed: the policies say mode: Pass\n", false},
		"the gateway answers by itself":   {soundManifests + cachePolicies, []string{"GET", "http://a.example:8080/moved"}, "302 by the gateway itself", false},
		"the program that decides is not": {soundManifests + cachePolicies, []string{"GET", url, "--ghost-explain", "no-such-program"}, "cache     what it decides is not known: ", false},
		"it is":                           {soundManifests + cachePolicies, []string{"GET", url}, "cache     the request is looked up\n", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(question, nil, 0o600))
			out, err := ctl(t, c.manifests, append([]string{"explain", "--ghost-explain", ghost}, c.args...)...)
			require.NoError(t, err)
			assert.Contains(t, out, c.want)
			asked, err := os.ReadFile(question)
			require.NoError(t, err)
			assert.Equal(t, c.asks, len(asked) > 0)
		})
	}
}

func TestAResponseThatIsNoneIsAnError(t *testing.T) {
	fails := filepath.Join(t.TempDir(), "ghost-explain")
	require.NoError(t, os.WriteFile(fails, []byte("#!/bin/sh\necho 'it is broken' >&2\nexit 1\n"), 0o755))
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a header without a colon":  {[]string{"-A", "X"}, `header "X": need "Name: value"`},
		"a status that is none":     {[]string{"--status", "99"}, "status 99: need a number from 100 to 599"},
		"what decides cannot do so": {[]string{"--ghost-explain", fails}, "it is broken"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ctl(t, soundManifests+cachePolicies, append([]string{"explain", "GET", "http://a.example:8080/x"}, c.args...)...)
			assert.ErrorContains(t, err, c.want)
		})
	}
}
