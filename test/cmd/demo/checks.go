package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/varnish-gateway/gateway/test/await"
)

// check is one thing that the demo promises.
type check struct {
	name string
	run  func(context.Context) error
}

func (d *demo) checks(dir string) []check {
	routes := filepath.Join(dir, "routes.yaml")
	return []check{
		{"HTTP/1.1 reaches the service, with headers set, removed and added", d.checkHeaders},
		{"a path is rewritten", d.checkRewrite},
		{"a route that nobody has is answered 404", d.checkNotFound},
		{"plain HTTP is redirected to HTTPS", d.checkRedirect},
		{"HTTPS serves HTTP/1.1", func(ctx context.Context) error {
			return d.checkSecure(ctx, "HTTP/1.1", func(p *http.Protocols) { p.SetHTTP1(true) })
		}},
		{"HTTPS serves HTTP/2", func(ctx context.Context) error {
			return d.checkSecure(ctx, "HTTP/2.0", func(p *http.Protocols) { p.SetHTTP2(true) })
		}},
		{"HTTP/2 without TLS is served too", d.checkCleartextHTTP2},
		{"of 100 requests exactly 80 go to blue and 20 to green", d.checkSplit},
		{"a policy caches, and a purge removes", d.checkCache},
		{"a saved change takes effect", func(ctx context.Context) error { return d.checkChange(ctx, routes) }},
		{"a broken file leaves its last good state serving", func(ctx context.Context) error { return d.checkBroken(ctx, routes) }},
	}
}

// want compares what was seen with what should have been.
func want(what string, got, wanted any) error {
	if got != wanted {
		return fmt.Errorf("%s is %v, not %v", what, got, wanted)
	}
	return nil
}

// first is the first error of a list.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) checkHeaders(ctx context.Context) error {
	a, err := d.get(ctx, d.client(), d.url("/hello/there?x=1"), "X-Secret", "do not tell", "X-Gateway-Route", "forged")
	if err != nil {
		return err
	}
	return first(
		want("the protocol", a.protocol, "HTTP/1.1"),
		want("the status", a.status, http.StatusOK),
		want("the service", a.seen.Service, "hello"),
		want("the path", a.seen.Path+"?"+a.seen.Query, "/hello/there?x=1"),
		want("X-Demo", a.seen.Headers.Get("X-Demo"), "hello"),
		want("X-Secret", a.seen.Headers.Get("X-Secret"), ""),
		want("X-Gateway-Route", strings.Join(a.seen.Headers.Values("X-Gateway-Route"), ","), "default/hello"),
		want("X-Forwarded-For", a.seen.Headers.Get("X-Forwarded-For"), "127.0.0.1"),
		want("X-Forwarded-Proto", a.seen.Headers.Get("X-Forwarded-Proto"), "http"),
		want("X-Served-By of the answer", a.headers.Get("X-Served-By"), "varnish-gateway"),
	)
}

func (d *demo) checkRewrite(ctx context.Context) error {
	a, err := d.get(ctx, d.client(), d.url("/rewrite/x?y=1"))
	if err != nil {
		return err
	}
	return first(want("the status", a.status, http.StatusOK), want("the path", a.seen.Path+"?"+a.seen.Query, "/hello/x?y=1"))
}

func (d *demo) checkNotFound(ctx context.Context) error {
	a, err := d.get(ctx, d.client(), d.url("/nothing-here"))
	if err != nil {
		return err
	}
	return want("the status", a.status, http.StatusNotFound)
}

func (d *demo) checkRedirect(ctx context.Context) error {
	a, err := d.get(ctx, d.client(), d.url("/secure/x?y=1"))
	if err != nil {
		return err
	}
	return first(
		want("the status", a.status, http.StatusMovedPermanently),
		want("Location", a.headers.Get("Location"), d.secureURL("/secure/x?y=1")),
	)
}

func (d *demo) checkSecure(ctx context.Context, protocol string, offer func(*http.Protocols)) error {
	a, err := d.get(ctx, d.client(offer), d.secureURL("/secure"))
	if err != nil {
		return err
	}
	return first(
		want("the protocol", a.protocol, protocol),
		want("the status", a.status, http.StatusOK),
		want("the service", a.seen.Service, "hello"),
		want("X-Forwarded-Proto", a.seen.Headers.Get("X-Forwarded-Proto"), "https"),
	)
}

func (d *demo) checkCleartextHTTP2(ctx context.Context) error {
	a, err := d.get(ctx, d.client(func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }), d.url("/hello"))
	if err != nil {
		return err
	}
	return first(want("the protocol", a.protocol, "HTTP/2.0"), want("the status", a.status, http.StatusOK))
}

func (d *demo) checkCache(ctx context.Context) error {
	status := func(target string) (string, error) {
		a, err := d.get(ctx, d.client(), d.url(target))
		// What is behind the semicolons changes with time.
		said, _, _ := strings.Cut(strings.TrimPrefix(a.headers.Get("Cache-Status"), "varnish-gateway; "), ";")
		return said, err
	}
	steps := []struct{ target, want string }{
		{"/cached?utm_source=a", "fwd=uri-miss"}, {"/cached?utm_source=b", "hit"}, {"", ""}, {"/cached", "fwd=uri-miss"}, {"/cached", "hit"},
	}
	for _, step := range steps {
		if step.target == "" {
			purge := exec.CommandContext(ctx, d.gatewayctl, "purge", "--state-dir", d.state, "--url", "http://demo.localhost/cached")
			if out, err := purge.CombinedOutput(); err != nil {
				return fmt.Errorf("purge: %w: %s", err, out)
			}
			continue
		}
		said, err := status(step.target)
		if err := first(err, want("Cache-Status of "+step.target, said, step.want)); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) checkSplit(ctx context.Context) error {
	counts := map[string]int{}
	for range 100 {
		a, err := d.get(ctx, d.client(), d.url("/split"))
		if err != nil {
			return err
		}
		counts[a.seen.Service]++
	}
	return first(want("blue", counts["blue"], 80), want("green", counts["green"], 20))
}

// replaceFile saves a file in one step: the gateway reads the whole of the old or of the new one.
func replaceFile(path, text string) error {
	temporary := filepath.Join(filepath.Dir(path), ".new")
	if err := os.WriteFile(temporary, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// checkChange edits the routes as a user would, and waits for the answer to change.
func (d *demo) checkChange(ctx context.Context, routes string) error {
	data, err := os.ReadFile(routes)
	if err != nil {
		return err
	}
	if err := replaceFile(routes, strings.Replace(string(data), "value: /hello}", "value: /bonjour}", 1)); err != nil {
		return err
	}
	return await.Success(ctx, "the change", func() error {
		renamed, err := d.get(ctx, d.client(), d.url("/bonjour"))
		if err != nil {
			return err
		}
		gone, err := d.get(ctx, d.client(), d.url("/hello"))
		if err != nil {
			return err
		}
		return first(want("the status of /bonjour", renamed.status, http.StatusOK), want("the status of /hello", gone.status, http.StatusNotFound))
	})
}

// checkBroken breaks the file, changes another one to know that the broken one has been read, and asks again.
func (d *demo) checkBroken(ctx context.Context, routes string) error {
	if err := replaceFile(routes, "kind: [HTTPRoute\n"); err != nil {
		return err
	}
	marker := `{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: marker}, spec: {parentRefs: [{name: web}],
  rules: [{matches: [{path: {value: /marker}}], backendRefs: [{name: hello, port: 80}]}]}}`
	if err := replaceFile(filepath.Join(filepath.Dir(routes), "zz-marker.yaml"), marker); err != nil {
		return err
	}
	err := await.Success(ctx, "the marker", func() error {
		a, err := d.get(ctx, d.client(), d.url("/marker"))
		return first(err, want("the status of /marker", a.status, http.StatusOK))
	})
	if err != nil {
		return err
	}
	a, err := d.get(ctx, d.client(), d.url("/bonjour"))
	return first(err, want("the status of /bonjour", a.status, http.StatusOK))
}
