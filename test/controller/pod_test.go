//go:build apiserver

package controller

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

// pod plays a gateway pod: an object that is Ready, and an admin API that says it runs what the ConfigMap has. Its compiler takes
// any VCL unless it is told to refuse it.
type pod struct {
	namespace, gateway, name, ip string
	token                        string

	mu       sync.Mutex
	revision int64
	refusal  string
	checks   int
	changed  chan struct{}
	// ended is closed when the pod answers nobody any more.
	ended chan struct{}
	// frozen means that it does not take anything newer.
	frozen       bool
	routing, vcl int64
	// ghost is the sequence of its ghost.json, which grows with every change of endpoints; heard is the revision that the operator
	// has heard of.
	ghost, heard int64
	// digests of both.
	routingDigest, vclDigest string
	// sockets that it has opened, as the flags of its template say.
	sockets []string
	// presented are the digests of its certificates.
	presented []map[string]string
	// mute means that it answers nobody.
	mute bool
	// orders to invalidate objects that it has carried out, as they came.
	orders []string
	// instead is what it says of its VCL where it runs something else than what is published.
	instead map[string]any
}

var lastAddress atomic.Int32

// startPod makes a Ready pod of a Gateway whose Deployment is there, which runs whatever is published.
func startPod(t *testing.T, namespace, gateway string) *pod {
	t.Helper()
	secret, deployment := &corev1.Secret{}, &appsv1.Deployment{}
	eventually(t, "the Gateway's Deployment", func() error {
		key := clientKey(namespace, gateway)
		if err := cluster.Get(t.Context(), key, deployment); err != nil {
			return err
		}
		key.Name = gatewaypod.AdminSecretName(gateway)
		return cluster.Get(t.Context(), key, secret)
	})
	number := lastAddress.Add(1)
	p := &pod{
		revision:  1,
		namespace: namespace, gateway: gateway, name: fmt.Sprintf("%s-%d", gateway, number), ip: fmt.Sprintf("127.0.40.%d", number),
		token: string(secret.Data["token"]), changed: make(chan struct{}), ended: make(chan struct{}),
	}
	for _, argument := range deployment.Spec.Template.Spec.Containers[0].Args {
		if socket, ok := strings.CutPrefix(argument, "--listen="); ok {
			p.sockets = append(p.sockets, socket)
		}
	}
	p.listen(t, secret)
	p.follow(t)
	p.create(t, deployment)
	return p
}

func (p *pod) listen(t *testing.T, secret *corev1.Secret) {
	pair, err := tls.X509KeyPair(secret.Data["tls.crt"], secret.Data["tls.key"])
	require.NoError(t, err)
	listener, err := net.Listen("tcp", net.JoinHostPort(p.ip, "19443"))
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(p)
	server.Listener.Close()
	server.Listener, server.TLS = listener, &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(func() {
		// The operator may ask again at any time.
		close(p.ended)
		server.CloseClientConnections()
		server.Close()
	})
}

// follow runs what is published, and presents the certificates that it is given, as soon as they are.
func (p *pod) follow(t *testing.T) {
	configs, err := cluster.Watch(t.Context(), &corev1.ConfigMapList{}, inNamespace(p.namespace), named(gatewaypod.ConfigMapName(p.gateway)))
	require.NoError(t, err)
	t.Cleanup(configs.Stop)
	secrets, err := cluster.Watch(t.Context(), &corev1.SecretList{}, inNamespace(p.namespace), named(gatewaypod.CertificatesSecretName(p.gateway)))
	require.NoError(t, err)
	t.Cleanup(secrets.Stop)
	go func() {
		for event := range configs.ResultChan() {
			if config, ok := event.Object.(*corev1.ConfigMap); ok {
				p.take(config)
			}
		}
	}()
	go func() {
		for event := range secrets.ResultChan() {
			if secret, ok := event.Object.(*corev1.Secret); ok {
				p.present(secret)
			}
		}
	}()
}

// present presents the certificates of the Gateway's Secret.
func (p *pod) present(secret *corev1.Secret) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen {
		return
	}
	p.presented = []map[string]string{}
	for key, data := range secret.Data {
		if name, ok := strings.CutSuffix(key, ".crt"); ok {
			p.presented = append(p.presented, map[string]string{"name": name, "digest": gatewaypod.CertificateDigest(data)})
		}
	}
	p.tell()
}

func (p *pod) take(config *corev1.ConfigMap) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen {
		return
	}
	p.routing, p.routingDigest = contract.Sequence([]byte(config.Data["routing.json"])), contract.Digest([]byte(config.Data["routing.json"]))
	if header, _, err := mainvcl.Parse([]byte(config.Data["main.vcl"])); err == nil {
		p.vcl, p.vclDigest = header.Sequence, contract.Digest([]byte(config.Data["main.vcl"]))
	}
	p.tell()
}

// refuseVCL makes the compiler refuse VCL that is checked from now on; an empty message ends that.
func (p *pod) refuseVCL(message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusal = message
}

// fallBack makes the pod say what it runs in the place of VCL that does not compile; an empty message ends that.
func (p *pod) fallBack(message, fallback string, leftOut ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instead = nil
	if message != "" {
		p.instead = map[string]any{"sequence": 0, "active": fallback, "error": message, "fallback": fallback, "leftOut": leftOut}
	}
	p.tell()
}

// checked is how often VCL was checked.
func (p *pod) checked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.checks
}

// freeze makes the pod stay at what it runs.
func (p *pod) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = true
}

// thaw makes a frozen pod take what is published, now and from now on.
func (p *pod) thaw(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	p.frozen = false
	p.mu.Unlock()
	p.take(get(t, &corev1.ConfigMap{}, p.namespace, gatewaypod.ConfigMapName(p.gateway)))
}

// takesEndpoints makes the pod tell that it has taken a change of endpoints, and waits until that is heard.
func (p *pod) takesEndpoints(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	p.ghost++
	p.tell()
	revision := p.revision
	p.mu.Unlock()
	eventually(t, "the operator to hear of it", func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.heard < revision {
			return fmt.Errorf("revision %d of %d", p.heard, revision)
		}
		return nil
	})
}

// silence makes the pod answer nobody from now on, as one that a network policy cuts off.
func (p *pod) silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute = true
	p.tell()
}

// speak makes a pod that was silent answer again.
func (p *pod) speak() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute = false
}

func (p *pod) isMute() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mute
}

func (p *pod) tell() {
	p.revision++
	close(p.changed)
	p.changed = make(chan struct{})
}

// ServeHTTP is the admin API of docs/reference/admin-api.md.
func (p *pod) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+p.token {
		http.Error(w, "no token", http.StatusUnauthorized)
		return
	}
	if p.isMute() {
		http.Error(w, "mute", http.StatusServiceUnavailable)
		return
	}
	if r.URL.Path == "/v1/vcl/check" {
		p.checkVCL(w)
		return
	}
	if r.URL.Path == "/v1/cache/invalidate" {
		p.invalidate(w, r)
		return
	}
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	for {
		p.mu.Lock()
		p.heard = max(p.heard, after)
		revision, changed := p.revision, p.changed
		status := map[string]any{
			"revision": revision, "ready": true,
			"routing": map[string]any{"sequence": p.routing, "digest": p.routingDigest, "ghostSequence": p.ghost},
			"vcl":     map[string]any{"sequence": p.vcl, "digest": p.vclDigest, "active": "main", "error": "", "fallback": "", "leftOut": []string{}},
		}
		status["versions"] = map[string]any{"contracts": map[string]any{"admin": adminapi.Version}}
		status["sockets"] = p.sockets
		status["certificates"] = map[string]any{"error": "", "problems": []string{}, "presented": p.presented}
		if p.instead != nil {
			status["vcl"] = p.instead
		}
		p.mu.Unlock()
		if revision > after || r.URL.Query().Get("wait") == "" {
			_ = json.NewEncoder(w).Encode(status)
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-p.ended:
			return
		}
	}
}

func (p *pod) checkVCL(w http.ResponseWriter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checks++
	_ = json.NewEncoder(w).Encode(map[string]any{"ok": p.refusal == "", "message": p.refusal})
}

func (p *pod) invalidate(w http.ResponseWriter, r *http.Request) {
	order, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.orders = append(p.orders, string(order))
	_ = json.NewEncoder(w).Encode(map[string]any{"generation": len(p.orders)})
}

// invalidated are the orders that the pod has carried out so far.
func (p *pod) invalidated() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.orders)
}

// create makes the object, as the Deployment's template says, and makes it Ready.
func (p *pod) create(t *testing.T, deployment *appsv1.Deployment) {
	template := deployment.Spec.Template
	object := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: p.namespace, Name: p.name, Labels: template.Labels, Annotations: template.Annotations,
		},
		Spec: template.Spec,
	}
	object.Spec.NodeName = "node"
	require.NoError(t, cluster.Create(t.Context(), object))
	object.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: p.ip, PodIPs: []corev1.PodIP{{IP: p.ip}},
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
	}
	require.NoError(t, cluster.Status().Update(t.Context(), object))
}

// assignAddress plays the load balancer.
func assignAddress(t *testing.T, namespace, gateway, ip string) {
	t.Helper()
	eventually(t, "the Service to take an address", func() error {
		service := &corev1.Service{}
		if err := cluster.Get(t.Context(), clientKey(namespace, gateway), service); err != nil {
			return err
		}
		service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: ip}}
		return cluster.Status().Update(t.Context(), service)
	})
}
