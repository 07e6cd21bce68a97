package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/routing"
)

// startPurged stands in for the chaperone of a gateway that runs in a state directory, with its configuration: all in
// routing.json within limit bytes, else in shards.
func startPurged(t *testing.T, dir, gateway, directory string, content routing.Config, limit int) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cret" || r.Method+" "+r.URL.Path != "POST /v1/cache/invalidate" {
			http.Error(w, r.Method+" "+r.URL.Path, http.StatusBadRequest)
			return
		}
		_, _ = w.Write([]byte(`{"generation":1}`))
	}))
	t.Cleanup(server.Close)
	head, shards, err := routing.Split(content, limit)
	require.NoError(t, err)
	text, err := routing.Encode(head)
	require.NoError(t, err)
	files := map[string]string{
		"token": "s3cret", "admin": strings.TrimPrefix(server.URL, "http://") + " " + gateway,
		"config/..data/routing.json": string(text),
	}
	for name, shard := range shards {
		files["shards/..data/"+name+".json"] = string(shard)
	}
	for name, text := range files {
		path := filepath.Join(dir, directory, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
}

func TestPurgeWarnsOfNamesThatNoGatewayHas(t *testing.T) {
	dir := t.TempDir()
	web := routing.Route{Namespace: "default", Name: "web", UID: "1", Rules: []routing.Rule{{ID: "1/0", CachePolicy: "p"}}}
	blog := routing.Route{
		Namespace: "news", Name: "blog", UID: "2", Rules: []routing.Rule{{ID: "2/0"}},
		Attachments: []routing.Attachment{{Listener: "http", CachePolicies: []string{"q"}}},
	}
	startPurged(t, dir, "default/web", "0000aaaa", routing.Config{
		Routes:        []routing.Route{web},
		CachePolicies: []routing.CachePolicy{{ID: "p", Policies: []string{"default/pages", "news/all"}}},
	}, routing.PlainLimit)
	startPurged(t, dir, "infra/edge", "0000bbbb", routing.Config{
		Routes:        []routing.Route{blog},
		CachePolicies: []routing.CachePolicy{{ID: "q", Policies: []string{"news/articles"}}},
	}, 0)
	for sentence, c := range map[string]struct {
		arguments []string
		warning   string
	}{
		"a route":                     {[]string{"--route", "web"}, ""},
		"a route of another gateway":  {[]string{"-n", "news", "--route", "blog"}, ""},
		"a policy":                    {[]string{"--policy", "pages"}, ""},
		"a policy at a listener":      {[]string{"-n", "news", "--policy", "articles"}, ""},
		"all of a namespace":          {[]string{"-n", "news", "--all"}, ""},
		"a tag, which nobody can ask": {[]string{"--tag", "none"}, ""},
		"another route":               {[]string{"--route", "blog"}, `no gateway has a route "blog" of the namespace "default"`},
		"another policy": {
			[]string{"--policy", "articles"},
			`no gateway has a cache policy "articles" of the namespace "default" that holds for a rule there`,
		},
		"a policy that holds for another namespace's rules": {
			[]string{"-n", "news", "--policy", "all"},
			`no gateway has a cache policy "all" of the namespace "news" that holds for a rule there`,
		},
		"another namespace": {[]string{"-n", "shop", "--url", "http://a.example/"}, `no gateway has a route of the namespace "shop"`},
	} {
		t.Run(sentence, func(t *testing.T) {
			var out, errs bytes.Buffer
			root := newRoot(&out, &errs)
			root.SetArgs(append([]string{"purge", "--state-dir", dir}, c.arguments...))
			require.NoError(t, root.ExecuteContext(t.Context()))
			assert.Equal(t, "Gateway default/web: done\nGateway infra/edge: done\n", out.String())
			want := ""
			if c.warning != "" {
				want = "warning: " + c.warning + "\n"
			}
			assert.Equal(t, want, errs.String())
		})
	}
}

func TestPurgeSaysSoWhereItCannotTellWhatNamesMean(t *testing.T) {
	dir := t.TempDir()
	startPurged(t, dir, "default/web", "0000aaaa", routing.Config{}, routing.PlainLimit)
	require.NoError(t, os.Remove(filepath.Join(dir, "0000aaaa/config/..data/routing.json")))
	var out, errs bytes.Buffer
	root := newRoot(&out, &errs)
	root.SetArgs([]string{"purge", "--state-dir", dir, "--all"})
	require.NoError(t, root.ExecuteContext(t.Context()))
	assert.Equal(t, "Gateway default/web: done\n", out.String())
	assert.Contains(t, errs.String(), "warning: it is not known whether a gateway has what is named: read the configuration of Gateway default/web: ")
}
