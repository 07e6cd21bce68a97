package programming

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

var gateway = types.NamespacedName{Namespace: "shop", Name: "edge"}

// chaperone answers as the admin API does.
type chaperone struct {
	credential workload.Credential

	mu       sync.Mutex
	revision int
	changed  chan struct{}
	// ended is closed when the pod ends; it leaves no question open then.
	ended chan struct{}
	// checked are the VCLs that it was asked to check; status and answer are how it answers.
	checked []string
	status  int
	answer  string
}

func (c *chaperone) change() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revision++
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *chaperone) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+c.credential.Token {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	if r.URL.Path == "/v1/vcl/check" {
		c.check(w, r)
		return
	}
	after, _ := strconv.Atoi(r.URL.Query().Get("after"))
	for {
		c.mu.Lock()
		revision, changed := c.revision, c.changed
		c.mu.Unlock()
		if revision > after || r.URL.Query().Get("wait") == "" {
			fmt.Fprintf(w, `{"revision":%d,"routing":{"sequence":%d}}`, revision, revision)
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-c.ended:
			http.Error(w, "the pod ends", http.StatusServiceUnavailable)
			return
		}
	}
}

func (c *chaperone) check(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	vcl, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost {
		http.Error(w, "no VCL", http.StatusBadRequest)
		return
	}
	c.checked = append(c.checked, string(vcl))
	w.WriteHeader(c.status)
	_, _ = io.WriteString(w, c.answer)
}

// says makes the pod answer checks like that from now on.
func (c *chaperone) says(status int, answer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status, c.answer = status, answer
}

func (c *chaperone) checks() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.checked)
}

// start listens as a pod with the given address would.
func start(t *testing.T, ip string, presents workload.Credential) *chaperone {
	t.Helper()
	c := &chaperone{credential: presents, revision: 1, changed: make(chan struct{}), ended: make(chan struct{})}
	pair, err := tls.X509KeyPair(presents.Certificate, presents.Key)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(int(gatewaypod.AdminPort))))
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(c)
	server.Listener.Close()
	server.Listener, server.TLS = listener, &tls.Config{Certificates: []tls.Certificate{pair}}
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(func() {
		close(c.ended)
		server.CloseClientConnections()
		server.Close()
	})
	return c
}

func credential(t *testing.T) workload.Credential {
	t.Helper()
	made, err := workload.NewCredential(time.Now())
	require.NoError(t, err)
	return made
}

// newGateway is a Gateway of which nothing is known, and the changes that are told of it.
func newGateway(t *testing.T) (*Gateway, chan types.NamespacedName) {
	changes := make(chan types.NamespacedName, 100)
	ctx, cancel := context.WithCancel(context.Background())
	store := NewStore(ctx, Options{Changed: func(g types.NamespacedName) { changes <- g }, Log: zap.NewNop()})
	t.Cleanup(func() {
		cancel()
		store.Wait()
	})
	return store.Gateway(gateway, "uid"), changes
}

// sequenceOf is what a pod has said of its routing, or -1.
func sequenceOf(t *testing.T, g *Gateway, credential workload.Credential, pod dataplane.Pod) int64 {
	t.Helper()
	seen, err := g.Observe(credential, []dataplane.Pod{pod})
	require.NoError(t, err)
	if seen[0].Status == nil {
		return -1
	}
	return seen[0].Status.Routing.Sequence
}

func TestAPodIsHeardAsSoonAsItHasSomethingNewToSay(t *testing.T) {
	own := credential(t)
	pod := start(t, "127.0.31.1", own)
	g, changes := newGateway(t)
	starting := dataplane.Pod{Name: "a", UID: "1", IP: "127.0.31.1", Ready: true}
	assert.Equal(t, int64(-1), sequenceOf(t, g, own, starting))
	assert.Equal(t, gateway, <-changes)
	assert.Equal(t, int64(1), sequenceOf(t, g, own, starting))
	pod.change()
	assert.Equal(t, gateway, <-changes)
	assert.Equal(t, int64(2), sequenceOf(t, g, own, starting))
}

func TestAPodThatPresentsAnotherCertificateIsNotBelieved(t *testing.T) {
	own := credential(t)
	forged := credential(t)
	forged.Token = own.Token
	start(t, "127.0.31.2", forged)
	client, err := dataplane.NewClient(own)
	require.NoError(t, err)
	defer client.Close()
	_, err = client.Status(context.Background(), "127.0.31.2", 0)
	require.ErrorContains(t, err, "another certificate")
}

func TestATokenThatIsRefusedIsAnError(t *testing.T) {
	own := credential(t)
	start(t, "127.0.31.3", own)
	own.Token = "another"
	client, err := dataplane.NewClient(own)
	require.NoError(t, err)
	defer client.Close()
	_, err = client.Status(context.Background(), "127.0.31.3", 0)
	require.ErrorContains(t, err, "401")
}

func TestAPodThatStartsLaterIsHeard(t *testing.T) {
	own := credential(t)
	g, changes := newGateway(t)
	starting := dataplane.Pod{Name: "a", UID: "1", IP: "127.0.31.4", Ready: true}
	assert.Equal(t, int64(-1), sequenceOf(t, g, own, starting))
	start(t, "127.0.31.4", own)
	assert.Equal(t, gateway, <-changes)
	assert.Equal(t, int64(1), sequenceOf(t, g, own, starting))
}

func TestWhatIsForgottenStartsAnew(t *testing.T) {
	own := credential(t)
	start(t, "127.0.31.5", own)
	g, changes := newGateway(t)
	starting := dataplane.Pod{Name: "a", UID: "1", IP: "127.0.31.5", Ready: true}
	sequenceOf(t, g, own, starting)
	<-changes
	seen, err := g.Observe(own, nil)
	require.NoError(t, err)
	assert.Empty(t, seen, "a pod that is gone is not spoken of")
	assert.Equal(t, int64(-1), sequenceOf(t, g, own, starting), "one of the same address starts again")
	<-changes
	other := credential(t)
	other.Certificate, other.Key = own.Certificate, own.Key
	assert.Equal(t, int64(-1), sequenceOf(t, g, other, starting), "with another credential, what was said does not count")
}

func TestAPodWithoutAnAddressIsNotAsked(t *testing.T) {
	g, _ := newGateway(t)
	seen, err := g.Observe(credential(t), []dataplane.Pod{{Name: "b", UID: "2"}, {Name: "a", UID: "1", IP: "127.0.31.6", Leaving: true}})
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, []string{seen[0].Name, seen[1].Name})
	assert.Nil(t, seen[0].Status)
	assert.Nil(t, seen[1].Status)
}

// heard is a Gateway whose pods have all answered.
func heard(t *testing.T, own workload.Credential, pods ...dataplane.Pod) (*Gateway, chan types.NamespacedName) {
	t.Helper()
	g, changes := newGateway(t)
	_, err := g.Observe(own, pods)
	require.NoError(t, err)
	for range pods {
		<-changes
	}
	return g, changes
}

func TestAPodChecksVCL(t *testing.T) {
	own := credential(t)
	pod := start(t, "127.0.31.7", own)
	starting := dataplane.Pod{Name: "a", UID: "1", IP: "127.0.31.7"}
	for name, c := range map[string]struct {
		status int
		answer string
		want   dataplane.Check
	}{
		"that compiles":              {200, `{"ok":true}`, dataplane.Check{State: dataplane.Compiles}},
		"that does not":              {200, `{"ok":false,"message":"line 3: expected ';'"}`, dataplane.Check{State: dataplane.Refused, Message: "line 3: expected ';'"}},
		"that compiles too long":     {200, `{"ok":false,"timedOut":true,"message":"too long"}`, dataplane.Check{State: dataplane.TimedOut, Message: "too long"}},
		"that is too long":           {413, `{"error":"VCL is longer than 1048576 bytes"}`, dataplane.Check{State: dataplane.Refused, Message: "VCL is longer than 1048576 bytes"}},
		"without knowing what it is": {404, `{"error":"there is no /v1/vcl/check"}`, dataplane.Check{State: dataplane.Compiles}},
		"in a way of its own":        {404, `not found`, dataplane.Check{State: dataplane.Compiles}},
	} {
		t.Run(name, func(t *testing.T) {
			pod.says(c.status, c.answer)
			g, changes := heard(t, own, starting)
			before := len(pod.checks())
			assert.Equal(t, dataplane.Check{State: dataplane.Checking}, g.CheckVCL([]byte("vcl 4.1;")))
			<-changes
			assert.Equal(t, c.want, g.CheckVCL([]byte("vcl 4.1;")))
			assert.Equal(t, []string{"vcl 4.1;"}, pod.checks()[before:], "one VCL is compiled once")
		})
	}
}

func TestVCLIsCheckedAsSoonAsAPodAnswers(t *testing.T) {
	own := credential(t)
	g, changes := newGateway(t)
	assert.Equal(t, dataplane.Check{State: dataplane.Unheard}, g.CheckVCL([]byte("vcl 4.1;")), "a Gateway whose pods nobody knows")
	starting := dataplane.Pod{Name: "a", UID: "1", IP: "127.0.31.8"}
	_, err := g.Observe(own, []dataplane.Pod{starting})
	require.NoError(t, err)
	assert.Equal(t, dataplane.Check{State: dataplane.Unheard}, g.CheckVCL([]byte("vcl 4.1;")))
	start(t, "127.0.31.8", own).says(200, `{"ok":true}`)
	<-changes
	assert.Equal(t, dataplane.Check{State: dataplane.Checking}, g.CheckVCL([]byte("vcl 4.1;")))
	<-changes
	assert.Equal(t, dataplane.Check{State: dataplane.Compiles}, g.CheckVCL([]byte("vcl 4.1;")))
}

func TestAnotherPodIsAskedWhereOneCannotCheck(t *testing.T) {
	own := credential(t)
	start(t, "127.0.31.9", own).says(503, `{"error":"check VCL: no room"}`)
	start(t, "127.0.31.10", own).says(200, `{"ok":false,"message":"no"}`)
	g, changes := heard(t, own, dataplane.Pod{Name: "a", UID: "1", IP: "127.0.31.9"}, dataplane.Pod{Name: "b", UID: "2", IP: "127.0.31.10"})
	g.CheckVCL([]byte("vcl 4.1;"))
	<-changes
	assert.Equal(t, dataplane.Check{State: dataplane.Refused, Message: "no"}, g.CheckVCL([]byte("vcl 4.1;")))
}

func TestACheckThatFailsIsTriedAgain(t *testing.T) {
	own := credential(t)
	pod := start(t, "127.0.31.11", own)
	pod.says(503, `{"error":"check VCL: no room"}`)
	g, changes := heard(t, own, dataplane.Pod{Name: "a", UID: "1", IP: "127.0.31.11"})
	g.CheckVCL([]byte("vcl 4.1;"))
	require.Eventually(t, func() bool { return len(pod.checks()) > 0 }, time.Minute, time.Millisecond)
	assert.Equal(t, dataplane.Check{State: dataplane.Checking}, g.CheckVCL([]byte("vcl 4.1;")))
	pod.says(200, `{"ok":true}`)
	<-changes
	assert.Equal(t, dataplane.Check{State: dataplane.Compiles}, g.CheckVCL([]byte("vcl 4.1;")))
}

func TestOtherVCLIsCheckedAnew(t *testing.T) {
	own := credential(t)
	pod := start(t, "127.0.31.12", own)
	pod.says(200, `{"ok":false,"message":"no"}`)
	g, changes := heard(t, own, dataplane.Pod{Name: "a", UID: "1", IP: "127.0.31.12"})
	for _, vcl := range []string{"one", "two"} {
		assert.Equal(t, dataplane.Check{State: dataplane.Checking}, g.CheckVCL([]byte(vcl)))
		<-changes
	}
	assert.Equal(t, []string{"one", "two"}, pod.checks())
}

func TestARefusalEndsWithThePodWhoseItIs(t *testing.T) {
	own := credential(t)
	start(t, "127.0.31.13", own).says(200, `{"ok":false,"message":"this image has no such module"}`)
	start(t, "127.0.31.14", own).says(200, `{"ok":true}`)
	one, other := dataplane.Pod{Name: "a", UID: "1", IP: "127.0.31.13"}, dataplane.Pod{Name: "b", UID: "2", IP: "127.0.31.14"}
	g, changes := heard(t, own, one, other)
	g.CheckVCL([]byte("vcl 4.1;"))
	<-changes
	assert.Equal(t, dataplane.Refused, g.CheckVCL([]byte("vcl 4.1;")).State)
	_, err := g.Observe(own, []dataplane.Pod{other})
	require.NoError(t, err)
	assert.Equal(t, dataplane.Check{State: dataplane.Checking}, g.CheckVCL([]byte("vcl 4.1;")))
	<-changes
	assert.Equal(t, dataplane.Check{State: dataplane.Compiles}, g.CheckVCL([]byte("vcl 4.1;")))
}

func TestWhatWasRefusedIsTriedAgainEverMoreSlowly(t *testing.T) {
	refused, compiles := dataplane.Check{State: dataplane.Refused, Message: "no address of legacy.example"}, dataplane.Check{State: dataplane.Compiles}
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		var asked []time.Duration
		var results []dataplane.Check
		repeat(t.Context(), func() (dataplane.Check, string, error) {
			asked = append(asked, time.Since(started))
			switch len(asked) {
			case 3:
				return dataplane.Check{}, "", errors.New("the pod is gone")
			case 6:
				return compiles, "1", nil
			}
			return refused, "1", nil
		}, zap.NewNop(), func(c dataplane.Check, _ string) { results = append(results, c) })
		assert.Equal(t, []dataplane.Check{refused, compiles}, results, "the same result is reported once")
		const s = time.Second
		assert.Equal(t, []time.Duration{0, 5 * s, 15 * s, 15*s + askAgain.First, 35*s + askAgain.First, 75*s + askAgain.First}, asked)
	})
}

func TestVCLThatIsWithdrawnIsNotCheckedAgain(t *testing.T) {
	own := credential(t)
	pod := start(t, "127.0.31.15", own)
	pod.says(200, `{"ok":false,"message":"no"}`)
	g, changes := heard(t, own, dataplane.Pod{Name: "a", UID: "1", IP: "127.0.31.15"})
	g.CheckVCL([]byte("vcl 4.1;"))
	<-changes
	g.EndCheck()
	assert.Equal(t, dataplane.Check{State: dataplane.Checking}, g.CheckVCL([]byte("vcl 4.1;")), "nothing is left of it")
	<-changes
}
