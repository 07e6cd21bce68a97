//go:build apiserver

package controller

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// apiProxy stands between an operator and the API server. It may hold requests or refuse them, and tells which were
// answered in which order.
type apiProxy struct {
	kubeconfig string

	mu sync.Mutex
	// meet looks at a request before it is passed on, may wait, and gives the error to answer instead.
	meet func(*http.Request) *apierrors.StatusError
	// writes are the requests that were answered with success, but for those that only read.
	writes []string
}

// startAPIProxy runs a proxy until the test ends.
func startAPIProxy(t *testing.T) *apiProxy {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", cluster.kubeconfig)
	require.NoError(t, err)
	transport, err := rest.TransportFor(config)
	require.NoError(t, err)
	server, err := url.Parse(config.Host)
	require.NoError(t, err)
	p := &apiProxy{}
	pass := &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(server) },
		ModifyResponse: func(response *http.Response) error {
			if r := response.Request; r.Method != http.MethodGet && response.StatusCode < 300 {
				p.mu.Lock()
				p.writes = append(p.writes, r.Method+" "+r.URL.Path)
				p.mu.Unlock()
			}
			return nil
		},
		// Whoever stops in the middle of a watch does so in good order.
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		meet := p.meet
		p.mu.Unlock()
		if meet != nil {
			if refusal := meet(r); refusal != nil {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(int(refusal.ErrStatus.Code))
				status := refusal.ErrStatus
				status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
				_ = json.NewEncoder(w).Encode(status)
				return
			}
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	file := clientcmdapi.NewConfig()
	file.Clusters["front"] = &clientcmdapi.Cluster{Server: front.URL}
	file.Contexts["front"] = &clientcmdapi.Context{Cluster: "front"}
	file.CurrentContext = "front"
	p.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(*file, p.kubeconfig))
	return p
}

// meeting says what looks at requests from now on; nil passes all of them on.
func (p *apiProxy) meeting(meet func(*http.Request) *apierrors.StatusError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meet = meet
}

// written are the writes that succeeded, in their order.
func (p *apiProxy) written() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.writes...)
}

// startOperator runs an operator that reaches the API server through the proxy, and waits until it works.
func (p *apiProxy) startOperator(t *testing.T, args ...string) *operator {
	t.Helper()
	o := launchOperator(t, p.kubeconfig, args...)
	eventually(t, "the operator to be ready", func() error { return o.probe("/readyz") })
	return o
}
