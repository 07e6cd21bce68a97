package invalidationapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

// Tokens of the namespace news, in two Secrets' worth of spelling, and one of another namespace.
const (
	token   = "0123456789abcdef0123456789abcdef"
	next    = "fedcba9876543210fedcba9876543210"
	theirs  = "shopshopshopshopshopshopshopshop"
	tooWeak = "hunter2"
)

// secrets are those of a cluster.
type secrets struct{ err error }

func (s secrets) Secret(_ context.Context, key types.NamespacedName) (*corev1.Secret, error) {
	if s.err != nil {
		return nil, s.err
	}
	return map[string]*corev1.Secret{
		"news/varnish-cache-invalidation": {Data: map[string][]byte{"old": []byte(token + "\n"), "new": []byte(next), "weak": []byte(tooWeak), "none": nil}},
		"shop/varnish-cache-invalidation": {Data: map[string][]byte{"token": []byte(theirs)}},
	}[key.String()], nil
}

// invalidator says what the test says, and remembers what it was asked.
type invalidator struct {
	gateways []v1alpha1.InvalidatedGateway
	err      error
	// waits until its time is over.
	waits bool

	mu    sync.Mutex
	asked []string
	took  time.Duration
}

func (i *invalidator) Invalidate(ctx context.Context, namespace string, order []byte) ([]v1alpha1.InvalidatedGateway, error) {
	began := time.Now()
	if i.waits {
		<-ctx.Done()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked = append(i.asked, namespace+" "+string(order))
	i.took = time.Since(began)
	return i.gateways, i.err
}

func gateway(asked, done, failed int32, failures ...v1alpha1.InvalidationFailure) []v1alpha1.InvalidatedGateway {
	return []v1alpha1.InvalidatedGateway{{
		Namespace: "infra", Name: "edge", ControllerName: "us", Failures: failures, Pods: v1alpha1.InvalidatedPods{Asked: asked, Done: done, Failed: failed},
	}}
}

func call(h http.Handler, method, target, authorization, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestEveryCallHasItsAnswer(t *testing.T) {
	const news = "/v1/namespaces/news/invalidations"
	timeout := v1alpha1.InvalidationFailure{Pod: "edge-1", Message: "i/o timeout"}
	for name, c := range map[string]struct {
		method, target, authorization, body string
		secrets                             secrets
		invalidator                         *invalidator
		status                              int
		answer                              string
		// asked tells whether it is carried out, as an order.
		asked string
	}{
		"all pods have it": {
			authorization: "Bearer " + token, body: `{"tags": ["article-7"]}`, invalidator: &invalidator{gateways: gateway(3, 3, 0)}, status: 200,
			answer: `{"complete":true,"pods":{"asked":3,"done":3,"failed":0,"gone":0},"gateways":[{"namespace":"infra","name":"edge","pods":{"asked":3,"done":3,"failed":0,"gone":0}}]}`,
			asked:  `"tag":"article-7"`,
		},
		"a second token of the namespace": {
			authorization: "bearer  " + next, body: `{"all": true, "mode": "Soft"}`, invalidator: &invalidator{gateways: gateway(1, 1, 0)}, status: 200, asked: `"soft":true`,
		},
		"nobody serves the namespace": {
			authorization: "Bearer " + token, body: `{"all": true}`, status: 200,
			answer: `{"complete":true,"pods":{"asked":0,"done":0,"failed":0,"gone":0},"gateways":[]}`, asked: `"all":true`,
		},
		"a pod does not answer": {
			authorization: "Bearer " + token, body: `{"all": true}`, invalidator: &invalidator{gateways: gateway(2, 1, 1, timeout), waits: true}, status: 504,
			answer: `{"complete":false,"pods":{"asked":2,"done":1,"failed":1,"gone":0},"gateways":[{"namespace":"infra","name":"edge","pods":{"asked":2,"done":1,"failed":1,"gone":0},"failures":[{"pod":"edge-1","message":"i/o timeout"}]}]}`,
			asked:  `"all":true`,
		},
		"a pod refuses":             {authorization: "Bearer " + token, body: `{"all": true}`, invalidator: &invalidator{gateways: gateway(1, 0, 1)}, status: 502, asked: `"all":true`},
		"the pods are not known":    {authorization: "Bearer " + token, body: `{"all": true}`, invalidator: &invalidator{err: errors.New("no")}, status: 503, asked: `"all":true`, answer: `{"error":"it is not known now which pods are to be asked"}`},
		"no token":                  {body: `{"all": true}`, status: 401, answer: `{"error":"a bearer token of the namespace is required"}`},
		"an empty token":            {authorization: "Bearer ", body: `{"all": true}`, status: 401},
		"a wrong token":             {authorization: "Bearer " + token + "x", body: `{"all": true}`, status: 401},
		"a weak token":              {authorization: "Bearer " + tooWeak, body: `{"all": true}`, status: 401},
		"a token of another":        {authorization: "Bearer " + theirs, body: `{"all": true}`, status: 401},
		"another scheme":            {authorization: "Basic " + token, body: `{"all": true}`, status: 401},
		"a namespace without token": {target: "/v1/namespaces/none/invalidations", authorization: "Bearer " + token, body: `{"all": true}`, status: 401},
		"tokens cannot be read":     {authorization: "Bearer " + token, secrets: secrets{errors.New("no")}, body: `{"all": true}`, status: 503},
		"another method":            {method: "GET", authorization: "Bearer " + token, status: 405, answer: `{"error":"the call takes POST alone"}`},
		"another path":              {target: "/v1/namespaces/news", authorization: "Bearer " + token, status: 404, answer: `{"error":"there is no /v1/namespaces/news"}`},
		"no body":                   {authorization: "Bearer " + token, status: 400},
		"nothing said":              {authorization: "Bearer " + token, body: `{}`, status: 400, answer: `{"error":"Invalid value: must have exactly one of urls, prefixes, hosts, tags, route, policy and all"}`},
		"a field of an object":      {authorization: "Bearer " + token, body: `{"all": true, "activeDeadlineSeconds": 3}`, status: 400, answer: `{"error":"activeDeadlineSeconds: unknown field"}`},
		"a namespace in the body":   {authorization: "Bearer " + token, body: `{"all": true, "namespace": "shop"}`, status: 400, answer: `{"error":"namespace: unknown field"}`},
		"a path above the root":     {authorization: "Bearer " + token, body: `{"urls": ["http://a/../b"]}`, status: 400},
		"a bad time":                {target: news + "?timeoutSeconds=61", authorization: "Bearer " + token, body: `{"all": true}`, status: 400, answer: `{"error":"timeoutSeconds=\"61\" is no number from 1 to 60"}`},
		"a long body":               {authorization: "Bearer " + token, body: strings.Repeat(" ", maxBody) + `{"all": true}`, status: 413},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if c.method == "" {
					c.method = "POST"
				}
				if c.invalidator == nil {
					c.invalidator = &invalidator{}
				}
				if c.target == "" {
					c.target = news
				}
				w := call(Handler(c.secrets, c.invalidator, zap.NewNop()), c.method, c.target, c.authorization, c.body)
				assert.Equal(t, c.status, w.Code, w.Body)
				assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
				if c.answer != "" {
					assert.JSONEq(t, c.answer, w.Body.String())
				}
				assert.Equal(t, c.status == 401, w.Header().Get("WWW-Authenticate") == "Bearer")
				assert.Equal(t, c.status == 405, w.Header().Get("Allow") == "POST")
				if c.asked == "" {
					assert.Empty(t, c.invalidator.asked)
					return
				}
				require.Len(t, c.invalidator.asked, 1)
				assert.Contains(t, c.invalidator.asked[0], c.asked)
				assert.Contains(t, c.invalidator.asked[0], `"namespace":"news"`)
			})
		})
	}
}

func TestACallTakesAsLongAsItSays(t *testing.T) {
	for query, want := range map[string]time.Duration{"": 10 * time.Second, "?timeoutSeconds=3": 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			i := &invalidator{waits: true, gateways: gateway(1, 0, 1)}
			w := call(Handler(secrets{}, i, zap.NewNop()), "POST", "/v1/namespaces/news/invalidations"+query, "Bearer "+token, `{"all": true}`)
			assert.Equal(t, 504, w.Code)
			assert.Equal(t, want, i.took)
		})
	}
}

func TestCallsOfOneNamespaceLeaveRoomForOthers(t *testing.T) {
	p := newPlaces(3, 2)
	leave, ok := p.enter("news")
	assert.True(t, ok)
	_, ok = p.enter("news")
	assert.True(t, ok)
	_, ok = p.enter("news")
	assert.False(t, ok, "a third of one")
	_, ok = p.enter("shop")
	assert.True(t, ok)
	_, ok = p.enter("blog")
	assert.False(t, ok, "a fourth of all")
	leave()
	_, ok = p.enter("blog")
	assert.True(t, ok)

	synctest.Test(t, func(t *testing.T) {
		h := Handler(secrets{}, &invalidator{waits: true}, zap.NewNop())
		var running sync.WaitGroup
		defer running.Wait()
		for range maxCallsOfOne {
			running.Go(func() { call(h, "POST", "/v1/namespaces/news/invalidations", "Bearer "+token, `{"all": true}`) })
		}
		synctest.Wait()
		w := call(h, "POST", "/v1/namespaces/news/invalidations", "Bearer "+token, `{"all": true}`)
		assert.Equal(t, 429, w.Code)
		assert.Equal(t, "1", w.Header().Get("Retry-After"))
	})
}
