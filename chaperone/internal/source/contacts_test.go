package source

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// testClock stands still until it is moved.
type testClock struct {
	mu   sync.Mutex
	time time.Time
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.time
}

func (c *testClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.time = c.time.Add(d)
}

// startAPI is an API server that has nothing, and sends a bookmark to every watch when it is told to.
func startAPI(t *testing.T) (address string, bookmark chan struct{}) {
	bookmark = make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		kind := map[string]string{"configmaps": "ConfigMap", "secrets": "Secret", "endpointslices": "EndpointSlice"}[lastOf(r.URL.Path)]
		version := map[string]string{"EndpointSlice": "discovery.k8s.io/v1"}[kind]
		if version == "" {
			version = "v1"
		}
		if r.URL.Query().Get("watch") == "" {
			fmt.Fprintf(w, `{"kind":"%sList","apiVersion":%q,"metadata":{"resourceVersion":"1"},"items":[]}`, kind, version)
			return
		}
		w.WriteHeader(http.StatusOK)
		annotations := ""
		if r.URL.Query().Get("sendInitialEvents") == "true" {
			annotations = `,"annotations":{"k8s.io/initial-events-end":"true"}`
		}
		for {
			fmt.Fprintf(w, `{"type":"BOOKMARK","object":{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":"2"%s}}}`+"\n", kind, version, annotations)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-bookmark:
			case <-r.Context().Done():
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, bookmark
}

func lastOf(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}

func TestAWatchThatHearsNothingGrowsOld(t *testing.T) {
	address, bookmark := startAPI(t)
	clock := &testClock{time: time.Unix(1800000000, 0)}
	contacts := NewContacts()
	contacts.now = clock.now
	config := &rest.Config{Host: address}
	config.Wrap(contacts.Transport)
	client, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	r := newRecorder()
	k := NewKubernetes(client, contacts, "shop", "edge", Files{}, zaptest.NewLogger(t))
	stop := runSource(t, k, r)
	k.Follow([]string{"web"})
	places := []string{configMapPlace(gatewaypod.ConfigMapName("edge")), secretPlace(gatewaypod.CertificatesSecretName("edge")), "endpoints of namespace web"}
	ages := func(want time.Duration) func() bool {
		return func() bool {
			got := contacts.Ages()
			for _, place := range places {
				if age, known := got[place]; !known || age != want {
					return false
				}
			}
			return len(got) == len(places)
		}
	}
	r.eventually(t, "the namespace is told", func(r *recorder) bool { return r.synced["web"] })
	varnishtest.Eventually(t, "everything was heard of just now", ages(0))
	clock.move(time.Hour)
	varnishtest.Eventually(t, "nothing was heard for an hour", ages(time.Hour))
	for range places {
		bookmark <- struct{}{}
	}
	varnishtest.Eventually(t, "a bookmark is a sign of life", ages(0))

	k.Follow(nil)
	varnishtest.Eventually(t, "what is not watched has no age", func() bool { _, known := contacts.Ages()[places[2]]; return !known })
	stop()
}

func TestSilenceIsReportedOnceAndTakenBack(t *testing.T) {
	r := newRecorder()
	clock := &testClock{time: time.Unix(1800000000, 0)}
	contacts := NewContacts()
	contacts.now = clock.now
	contacts.begin("ConfigMap edge")
	clock.move(silentAfter)
	contacts.begin("Secret edge-certificates")
	reasons := newReasons(r)
	silent := reportSilent(reasons, contacts, nil)
	assert.Equal(t, map[string]bool{"ConfigMap edge": true}, silent)
	r.eventually(t, "it is reported", func(r *recorder) bool {
		return r.reports["ConfigMap edge"] == "the API server has said nothing of it for 11m0s" && r.reports["Secret edge-certificates"] == ""
	})
	contacts.heard("ConfigMap edge")
	assert.Empty(t, reportSilent(reasons, contacts, silent))
	r.eventually(t, "it is taken back", func(r *recorder) bool { return r.reports["ConfigMap edge"] == "" })
}

func TestSilenceDoesNotHideWhyAPlaceCannotBeWatched(t *testing.T) {
	r := newRecorder()
	reasons := newReasons(r)
	const place, long = "ConfigMap edge", "the API server has said nothing of it for 11m0s"
	clock := &testClock{time: time.Unix(1800000000, 0)}
	contacts := NewContacts()
	contacts.now = clock.now
	contacts.begin(place)
	reason := func() string {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.reports[place]
	}
	reasons.report(place, watching, "cannot be watched: forbidden")
	clock.move(silentAfter)
	silent := reportSilent(reasons, contacts, nil)
	assert.Equal(t, "cannot be watched: forbidden; "+long, reason())
	contacts.heard(place)
	silent = reportSilent(reasons, contacts, silent)
	assert.Equal(t, "cannot be watched: forbidden", reason(), "the older reason is still there")
	clock.move(silentAfter)
	reportSilent(reasons, contacts, silent)
	reasons.report(place, watching, "")
	assert.Equal(t, long, reason())
	reasons.forget(place)
	assert.Empty(t, reason())
}

// A pod whose ServiceAccount was deleted holds a token that the API server refuses with 401.
func TestAWatchThatFailsForAMinuteIsReported(t *testing.T) {
	refuse := &atomic.Bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "{}")
	}))
	t.Cleanup(server.Close)
	clock := &testClock{time: time.Unix(1800000000, 0)}
	contacts := NewContacts()
	contacts.now = clock.now
	place := endpointsPlace("shop")
	contacts.begin(place)
	client := &http.Client{Transport: contacts.Transport(http.DefaultTransport)}
	ask := func() {
		response, err := client.Get(server.URL + "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices")
		if err == nil {
			_, err = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		require.NoError(t, err)
	}
	r := newRecorder()
	reasons := newReasons(r)
	look := func(was map[string]bool) (map[string]bool, string) {
		now := reportSilent(reasons, contacts, was)
		r.mu.Lock()
		defer r.mu.Unlock()
		return now, r.reports[place]
	}
	ask()
	refuse.Store(true)
	ask()
	assert.Zero(t, contacts.Failing()[place])
	clock.move(failingFor - time.Second)
	ask()
	_, said := look(nil)
	assert.Empty(t, said, "it may pass")
	clock.move(time.Second)
	ask()
	was, said := look(nil)
	assert.Equal(t, "its watch has failed for more than 1m0s: the API server answers 401 Unauthorized", said)
	assert.Equal(t, failingFor, contacts.Failing()[place])
	refuse.Store(false)
	ask()
	_, said = look(was)
	assert.Empty(t, said)
	assert.Zero(t, contacts.Failing()[place])

	server.Close()
	_, err := client.Get(server.URL + "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices")
	require.Error(t, err)
	clock.move(failingFor)
	_, said = look(nil)
	assert.Contains(t, said, "the API server cannot be reached")
}
