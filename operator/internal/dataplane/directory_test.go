package dataplane

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
	c := &chaperone{credential: presents, revision: 1, changed: make(chan struct{})}
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

func newTestDirectory(t *testing.T) (*Directory, chan types.NamespacedName) {
	changes := make(chan types.NamespacedName, 100)
	ctx, cancel := context.WithCancel(context.Background())
	d := NewDirectory(ctx, zap.NewNop(), func(g types.NamespacedName) { changes <- g })
	t.Cleanup(func() {
		cancel()
		d.Wait()
	})
	return d, changes
}

// sequenceOf is what a pod has said of its routing, or -1.
func sequenceOf(t *testing.T, d *Directory, credential workload.Credential, pod Pod) int64 {
	t.Helper()
	seen, err := d.Follow(gateway, credential, []Pod{pod})
	require.NoError(t, err)
	if seen[0].Status == nil {
		return -1
	}
	return seen[0].Status.Routing.Sequence
}

func TestAPodIsHeardAsSoonAsItHasSomethingNewToSay(t *testing.T) {
	own := credential(t)
	pod := start(t, "127.0.31.1", own)
	d, changes := newTestDirectory(t)
	told := Pod{Name: "a", UID: "1", IP: "127.0.31.1", Ready: true}
	assert.Equal(t, int64(-1), sequenceOf(t, d, own, told))
	assert.Equal(t, gateway, <-changes)
	assert.Equal(t, int64(1), sequenceOf(t, d, own, told))
	pod.change()
	assert.Equal(t, gateway, <-changes)
	assert.Equal(t, int64(2), sequenceOf(t, d, own, told))
}

func TestAPodThatPresentsAnotherCertificateIsNotBelieved(t *testing.T) {
	own := credential(t)
	forged := credential(t)
	forged.Token = own.Token
	start(t, "127.0.31.2", forged)
	asker, err := newAsker(own)
	require.NoError(t, err)
	defer asker.close()
	_, err = asker.status(context.Background(), "127.0.31.2", 0)
	require.ErrorContains(t, err, "another certificate")
}

func TestATokenThatIsRefusedIsAnError(t *testing.T) {
	own := credential(t)
	start(t, "127.0.31.3", own)
	own.Token = "another"
	asker, err := newAsker(own)
	require.NoError(t, err)
	defer asker.close()
	_, err = asker.status(context.Background(), "127.0.31.3", 0)
	require.ErrorContains(t, err, "401")
}

func TestAPodThatStartsLaterIsHeard(t *testing.T) {
	own := credential(t)
	d, changes := newTestDirectory(t)
	told := Pod{Name: "a", UID: "1", IP: "127.0.31.4", Ready: true}
	assert.Equal(t, int64(-1), sequenceOf(t, d, own, told))
	start(t, "127.0.31.4", own)
	assert.Equal(t, gateway, <-changes)
	assert.Equal(t, int64(1), sequenceOf(t, d, own, told))
}

func TestWhatIsForgottenStartsAnew(t *testing.T) {
	own := credential(t)
	start(t, "127.0.31.5", own)
	d, changes := newTestDirectory(t)
	told := Pod{Name: "a", UID: "1", IP: "127.0.31.5", Ready: true}
	sequenceOf(t, d, own, told)
	<-changes
	seen, err := d.Follow(gateway, own, nil)
	require.NoError(t, err)
	assert.Empty(t, seen, "a pod that is gone is not spoken of")
	assert.Equal(t, int64(-1), sequenceOf(t, d, own, told), "one of the same address begins anew")
	<-changes
	d.Forget(gateway)
	assert.Equal(t, int64(-1), sequenceOf(t, d, own, told))
	<-changes
}

func TestAPodWithoutAnAddressIsNotAsked(t *testing.T) {
	d, _ := newTestDirectory(t)
	seen, err := d.Follow(gateway, credential(t), []Pod{{Name: "b", UID: "2"}, {Name: "a", UID: "1", IP: "127.0.31.6", Leaving: true}})
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, []string{seen[0].Name, seen[1].Name})
	assert.Nil(t, seen[0].Status)
	assert.Nil(t, seen[1].Status)
}

// heard is a directory that follows pods which have all answered.
func heard(t *testing.T, own workload.Credential, pods ...Pod) (*Directory, chan types.NamespacedName) {
	t.Helper()
	d, changes := newTestDirectory(t)
	_, err := d.Follow(gateway, own, pods)
	require.NoError(t, err)
	for range pods {
		<-changes
	}
	return d, changes
}

func TestAPodChecksVCL(t *testing.T) {
	own := credential(t)
	pod := start(t, "127.0.31.7", own)
	told := Pod{Name: "a", UID: "1", IP: "127.0.31.7"}
	for name, c := range map[string]struct {
		status int
		answer string
		want   Check
	}{
		"that compiles":              {200, `{"ok":true}`, Check{State: Compiles}},
		"that does not":              {200, `{"ok":false,"message":"line 3: expected ';'"}`, Check{State: Refused, Message: "line 3: expected ';'"}},
		"that is too long":           {413, `{"error":"VCL is longer than 1048576 bytes"}`, Check{State: Refused, Message: "VCL is longer than 1048576 bytes"}},
		"without knowing what it is": {404, `{"error":"there is no /v1/vcl/check"}`, Check{State: Compiles}},
		"in a way of its own":        {404, `not found`, Check{State: Compiles}},
	} {
		t.Run(name, func(t *testing.T) {
			pod.says(c.status, c.answer)
			d, changes := heard(t, own, told)
			before := len(pod.checks())
			assert.Equal(t, Check{State: Checking}, d.Check(gateway, []byte("vcl 4.1;")))
			<-changes
			assert.Equal(t, c.want, d.Check(gateway, []byte("vcl 4.1;")))
			assert.Equal(t, []string{"vcl 4.1;"}, pod.checks()[before:], "one VCL is compiled once")
		})
	}
}

func TestVCLIsCheckedAsSoonAsAPodAnswers(t *testing.T) {
	own := credential(t)
	d, changes := newTestDirectory(t)
	assert.Equal(t, Check{State: Unheard}, d.Check(gateway, []byte("vcl 4.1;")), "a Gateway that nobody follows")
	told := Pod{Name: "a", UID: "1", IP: "127.0.31.8"}
	_, err := d.Follow(gateway, own, []Pod{told})
	require.NoError(t, err)
	assert.Equal(t, Check{State: Unheard}, d.Check(gateway, []byte("vcl 4.1;")))
	start(t, "127.0.31.8", own).says(200, `{"ok":true}`)
	<-changes
	assert.Equal(t, Check{State: Checking}, d.Check(gateway, []byte("vcl 4.1;")))
	<-changes
	assert.Equal(t, Check{State: Compiles}, d.Check(gateway, []byte("vcl 4.1;")))
}

func TestAnotherPodIsAskedWhereOneCannotCheck(t *testing.T) {
	own := credential(t)
	start(t, "127.0.31.9", own).says(503, `{"error":"check VCL: no room"}`)
	start(t, "127.0.31.10", own).says(200, `{"ok":false,"message":"no"}`)
	d, changes := heard(t, own, Pod{Name: "a", UID: "1", IP: "127.0.31.9"}, Pod{Name: "b", UID: "2", IP: "127.0.31.10"})
	d.Check(gateway, []byte("vcl 4.1;"))
	<-changes
	assert.Equal(t, Check{State: Refused, Message: "no"}, d.Check(gateway, []byte("vcl 4.1;")))
}

func TestACheckThatFailsIsTriedAgain(t *testing.T) {
	own := credential(t)
	pod := start(t, "127.0.31.11", own)
	pod.says(503, `{"error":"check VCL: no room"}`)
	d, changes := heard(t, own, Pod{Name: "a", UID: "1", IP: "127.0.31.11"})
	d.Check(gateway, []byte("vcl 4.1;"))
	require.Eventually(t, func() bool { return len(pod.checks()) > 0 }, time.Minute, time.Millisecond)
	assert.Equal(t, Check{State: Checking}, d.Check(gateway, []byte("vcl 4.1;")))
	pod.says(200, `{"ok":true}`)
	<-changes
	assert.Equal(t, Check{State: Compiles}, d.Check(gateway, []byte("vcl 4.1;")))
}

func TestOtherVCLIsCheckedAnew(t *testing.T) {
	own := credential(t)
	pod := start(t, "127.0.31.12", own)
	pod.says(200, `{"ok":false,"message":"no"}`)
	d, changes := heard(t, own, Pod{Name: "a", UID: "1", IP: "127.0.31.12"})
	for _, vcl := range []string{"one", "two"} {
		assert.Equal(t, Check{State: Checking}, d.Check(gateway, []byte(vcl)))
		<-changes
	}
	assert.Equal(t, []string{"one", "two"}, pod.checks())
}

func TestARefusalEndsWithThePodWhoseItIs(t *testing.T) {
	own := credential(t)
	start(t, "127.0.31.13", own).says(200, `{"ok":false,"message":"this image has no such module"}`)
	start(t, "127.0.31.14", own).says(200, `{"ok":true}`)
	one, other := Pod{Name: "a", UID: "1", IP: "127.0.31.13"}, Pod{Name: "b", UID: "2", IP: "127.0.31.14"}
	d, changes := heard(t, own, one, other)
	d.Check(gateway, []byte("vcl 4.1;"))
	<-changes
	assert.Equal(t, Refused, d.Check(gateway, []byte("vcl 4.1;")).State)
	_, err := d.Follow(gateway, own, []Pod{other})
	require.NoError(t, err)
	assert.Equal(t, Check{State: Checking}, d.Check(gateway, []byte("vcl 4.1;")))
	<-changes
	assert.Equal(t, Check{State: Compiles}, d.Check(gateway, []byte("vcl 4.1;")))
}

func TestWhatWasRefusedIsTriedAgainEverMoreSlowly(t *testing.T) {
	refused, compiles := Check{State: Refused, Message: "no address of legacy.example"}, Check{State: Compiles}
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		var asked []time.Duration
		var told []Check
		repeat(t.Context(), func() (Check, string, error) {
			asked = append(asked, time.Since(started))
			switch len(asked) {
			case 3:
				return Check{}, "", errors.New("the pod is gone")
			case 6:
				return compiles, "1", nil
			}
			return refused, "1", nil
		}, zap.NewNop(), func(c Check, _ string) { told = append(told, c) })
		assert.Equal(t, []Check{refused, compiles}, told, "the same words are told once")
		const s = time.Second
		assert.Equal(t, []time.Duration{0, 5 * s, 15 * s, 15*s + minPause, 35*s + minPause, 75*s + minPause}, asked)
	})
}

func TestVCLThatIsWithdrawnIsNotCheckedAgain(t *testing.T) {
	own := credential(t)
	pod := start(t, "127.0.31.15", own)
	pod.says(200, `{"ok":false,"message":"no"}`)
	d, changes := heard(t, own, Pod{Name: "a", UID: "1", IP: "127.0.31.15"})
	d.Check(gateway, []byte("vcl 4.1;"))
	<-changes
	d.Withdraw(gateway)
	assert.Equal(t, Check{State: Checking}, d.Check(gateway, []byte("vcl 4.1;")), "nothing is left of it")
	<-changes
}
