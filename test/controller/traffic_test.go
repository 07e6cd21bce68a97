//go:build apiserver

package controller

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// quiet is how long an operator that has nothing to do asks for nothing.
const quiet = 3 * time.Second

// definitions are what an operator that has just started looks at now and then for half a minute, which is not counted.
const definitions = "customresourcedefinitions"

// call is a kind of request of the operator.
type call struct {
	// write tells apart what changes something; what it changes, or reads, is the rest.
	write                             bool
	resource, namespace, name, detail string
}

func (c call) String() string {
	verb := "read"
	if c.write {
		verb = "write"
	}
	return strings.TrimRight(fmt.Sprintf("%s %s %s/%s %s", verb, c.resource, c.namespace, c.name, c.detail), " ")
}

// callOf is what a request is for, by the paths of the Kubernetes API.
func callOf(r *http.Request) call {
	c := call{write: r.Method != http.MethodGet}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	// api/v1/..., or apis/GROUP/VERSION/...
	skip := 2
	if parts[0] == "apis" {
		skip = 3
	}
	if len(parts) <= skip {
		c.resource = definitions
		return c
	}
	parts = parts[skip:]
	if parts[0] == "namespaces" && len(parts) > 2 {
		c.namespace, parts = parts[1], parts[2:]
	}
	c.resource = parts[0]
	if len(parts) > 1 {
		c.name = parts[1]
	}
	c.detail = strings.Join(parts[min(2, len(parts)):], "/")
	if field := r.URL.Query().Get("fieldSelector"); field != "" {
		c.name = field
	}
	return c
}

// traffic is what an operator asks of the API server.
type traffic struct {
	kubeconfig string

	mu     sync.Mutex
	since  time.Time
	last   time.Time
	counts map[call]int
	refuse func(call) bool
}

// countTraffic passes on what an operator with the returned kubeconfig asks, and counts it.
func countTraffic(t *testing.T) *traffic {
	t.Helper()
	server, err := url.Parse(cluster.config.Host)
	require.NoError(t, err)
	transport, err := rest.TransportFor(cluster.config)
	require.NoError(t, err)
	tr := &traffic{counts: map[call]int{}, since: time.Now()}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(server) },
		Transport: transport, FlushInterval: -1,
	}
	near := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tr.count(callOf(r)) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintln(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"the test refuses this"}`)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		near.CloseClientConnections()
		near.Close()
	})
	config := clientcmdapi.NewConfig()
	config.Clusters["c"] = &clientcmdapi.Cluster{Server: near.URL}
	config.Contexts["c"] = &clientcmdapi.Context{Cluster: "c"}
	config.CurrentContext = "c"
	tr.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(*config, tr.kubeconfig))
	return tr
}

// count notes a call, and tells whether it is to be refused.
func (tr *traffic) count(c call) bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if c.resource != definitions {
		tr.counts[c]++
		tr.last = time.Now()
	}
	return tr.refuse != nil && tr.refuse(c)
}

// refusing has calls refused from now on; nil ends that.
func (tr *traffic) refusing(refuse func(call) bool) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.refuse = refuse
}

// begin forgets what was counted.
func (tr *traffic) begin() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.counts, tr.since, tr.last = map[call]int{}, time.Now(), time.Now()
}

// settle waits until the operator has asked for nothing for a while.
func (tr *traffic) settle(t *testing.T) {
	t.Helper()
	eventually(t, "the operator to ask for nothing more", func() error {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		if time.Since(tr.last) < quiet {
			return fmt.Errorf("its last request was a moment ago")
		}
		return nil
	})
}

// most is the largest number of reads and of writes of any one object since the beginning, and their sums.
func (tr *traffic) most() (reads, writes, allReads, allWrites int) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	read, written := map[call]int{}, map[call]int{}
	for c, n := range tr.counts {
		object := call{resource: c.resource, namespace: c.namespace, name: c.name}
		if c.write {
			written[object] += n
			writes, allWrites = max(writes, written[object]), allWrites+n
		} else {
			read[object] += n
			reads, allReads = max(reads, read[object]), allReads+n
		}
	}
	return reads, writes, allReads, allWrites
}

// report is what was asked for most since the beginning, for each minute.
func (tr *traffic) report() string {
	reads, writes, allReads, allWrites := tr.most()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	took := time.Since(tr.since)
	lines := []string{fmt.Sprintf("in %s: %d reads, %d writes; at most %d reads and %d writes of one object; a minute of it %.0f reads, %.0f writes",
		took.Round(time.Second), allReads, allWrites, reads, writes, float64(allReads)/took.Minutes(), float64(allWrites)/took.Minutes())}
	calls := make([]call, 0, len(tr.counts))
	for c := range tr.counts {
		calls = append(calls, c)
	}
	slices.SortFunc(calls, func(a, b call) int { return tr.counts[b] - tr.counts[a] })
	for _, c := range calls[:min(len(calls), 12)] {
		lines = append(lines, fmt.Sprintf("%6d  %s", tr.counts[c], c))
	}
	return strings.Join(lines, "\n")
}
