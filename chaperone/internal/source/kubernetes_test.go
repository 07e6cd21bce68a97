package source

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func configMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}, Data: data}
}

func slice(namespace, name string) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
}

func runKubernetes(t *testing.T, client *fake.Clientset, mounts Files) (*Kubernetes, *recorder) {
	t.Helper()
	r := newRecorder()
	k := NewKubernetes(client, NewContacts(), "shop", "edge", mounts, zaptest.NewLogger(t))
	runSource(t, k, r)
	return k, r
}

// runSource runs a source until the test ends, or stop is called.
func runSource(t *testing.T, source Source, r *recorder) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- source.Run(ctx, r) }()
	stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return stop
}

func TestTheNewerOfAPIAndMountWins(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "routing.json"), string(routingOf(t, 1)))
	write(t, filepath.Join(dir, "main.vcl"), string(vclOf(5)))
	client := fake.NewClientset(configMap(gatewaypod.ConfigMapName("edge"), map[string]string{"routing.json": string(routingOf(t, 2)), "main.vcl": string(vclOf(4))}),
		configMap("other", map[string]string{"routing.json": string(routingOf(t, 99))}))
	_, r := runKubernetes(t, client, Files{ConfigDir: dir})
	r.eventually(t, "each part is the newest", func(r *recorder) bool {
		return sequenceOf(r.config.Routing) == 2 && vclSequenceOf(r.config.Main) == 5
	})
	_, err := client.CoreV1().ConfigMaps("shop").Update(t.Context(), configMap(gatewaypod.ConfigMapName("edge"), map[string]string{"routing.json": string(routingOf(t, 3))}), metav1.UpdateOptions{})
	require.NoError(t, err)
	r.eventually(t, "an update is followed", func(r *recorder) bool { return sequenceOf(r.config.Routing) == 3 })
	write(t, filepath.Join(dir, "routing.json"), string(routingOf(t, 4)))
	r.eventually(t, "a mount that is ahead is followed", func(r *recorder) bool { return sequenceOf(r.config.Routing) == 4 })
	require.NoError(t, client.CoreV1().ConfigMaps("shop").Delete(t.Context(), gatewaypod.ConfigMapName("edge"), metav1.DeleteOptions{}))
	write(t, filepath.Join(dir, "routing.json"), string(routingOf(t, 1)))
	r.eventually(t, "a ConfigMap that is made anew counts from one", func(r *recorder) bool { return sequenceOf(r.config.Routing) == 1 })
}

func TestShardsAreWatchedAsTheHeadNamesThem(t *testing.T) {
	shard := configMap(gatewaypod.ShardConfigMapName("edge", "07"), map[string]string{"routes.json": "seven"})
	client := fake.NewClientset(shard, configMap(gatewaypod.ConfigMapName("edge"), map[string]string{"routing.json": string(routingOf(t, 1))}))
	_, r := runKubernetes(t, client, Files{})
	r.eventually(t, "the head is told", func(r *recorder) bool { return sequenceOf(r.config.Routing) == 1 })
	head := routingOf(t, 2, routing.ShardRef{Name: "07", Digest: digestOf([]byte("seven"))})
	_, err := client.CoreV1().ConfigMaps("shop").Update(t.Context(), configMap(gatewaypod.ConfigMapName("edge"), map[string]string{"routing.json": string(head)}), metav1.UpdateOptions{})
	require.NoError(t, err)
	r.eventually(t, "the shard is told", func(r *recorder) bool { return string(r.config.Shards["07"]) == "seven" })
}

func TestTheSecretIsFollowed(t *testing.T) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: gatewaypod.CertificatesSecretName("edge")}, Data: map[string][]byte{"web.crt": []byte("1"), "web.key": []byte("1")}}
	client := fake.NewClientset(secret)
	_, r := runKubernetes(t, client, Files{})
	r.eventually(t, "the certificate is told", func(r *recorder) bool { return string(r.pairs["web"].Key) == "1" })
	changed := secret.DeepCopy()
	changed.Data["web.key"] = []byte("2")
	_, err := client.CoreV1().Secrets("shop").Update(t.Context(), changed, metav1.UpdateOptions{})
	require.NoError(t, err)
	r.eventually(t, "the next one is told", func(r *recorder) bool { return string(r.pairs["web"].Key) == "2" })
}

func TestEndpointSlicesFollowTheNamespacesThatAreRoutedTo(t *testing.T) {
	client := fake.NewClientset(slice("a", "one"), slice("b", "two"), slice("c", "three"))
	k, r := runKubernetes(t, client, Files{})
	k.Follow([]string{"a", "b"})
	r.eventually(t, "both namespaces are told", func(r *recorder) bool { return r.synced["a"] && r.synced["b"] })
	assert.Equal(t, []string{"a/one", "b/two"}, r.names())

	require.NoError(t, client.DiscoveryV1().EndpointSlices("a").Delete(t.Context(), "one", metav1.DeleteOptions{}))
	r.eventually(t, "a deleted slice is told", func(r *recorder) bool { return len(r.slices) == 1 })

	k.Follow([]string{"c"})
	r.eventually(t, "the others are forgotten", func(r *recorder) bool { return r.synced["c"] && !r.synced["a"] && !r.synced["b"] })
	_, err := client.DiscoveryV1().EndpointSlices("c").Create(t.Context(), slice("c", "four"), metav1.CreateOptions{})
	require.NoError(t, err)
	r.eventually(t, "a new slice is told", func(r *recorder) bool { return r.slices["c/four"] != nil })
}

func TestANamespaceThatIsForbiddenIsDenied(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("list", "endpointslices", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(discoveryv1.Resource("endpointslices"), "", errors.New("no role"))
	})
	k, r := runKubernetes(t, client, Files{})
	k.Follow([]string{"a"})
	r.eventually(t, "it is told", func(r *recorder) bool { return r.denied["a"] && r.reports[endpointsPlace("a")] != "" })
}

func TestWhatIsMountedMayLagUntilTheAPIIsHeard(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "routing.json"), string(routingOf(t, 1)))
	client := fake.NewClientset()
	_, r := runKubernetes(t, client, Files{ConfigDir: dir})
	r.eventually(t, "the mount is told", func(r *recorder) bool { return sequenceOf(r.config.Routing) == 1 && r.config.MayLag })
	_, err := client.CoreV1().ConfigMaps("shop").Create(t.Context(), configMap(gatewaypod.ConfigMapName("edge"), map[string]string{"routing.json": string(routingOf(t, 2))}), metav1.CreateOptions{})
	require.NoError(t, err)
	r.eventually(t, "the API is heard", func(r *recorder) bool { return sequenceOf(r.config.Routing) == 2 && !r.config.MayLag })
}

func TestAnAPIThatIsAwayIsReportedAndResumed(t *testing.T) {
	client := fake.NewClientset(slice("a", "one"))
	away := make(chan struct{})
	client.PrependReactor("list", "endpointslices", func(clienttesting.Action) (bool, runtime.Object, error) {
		select {
		case <-away:
			return false, nil, nil
		default:
			return true, nil, errors.New("connection refused")
		}
	})
	dir := t.TempDir()
	write(t, filepath.Join(dir, "routing.json"), string(routingOf(t, 1)))
	k, r := runKubernetes(t, client, Files{ConfigDir: dir})
	k.Follow([]string{"a"})
	place := endpointsPlace("a")
	r.eventually(t, "the failure is reported", func(r *recorder) bool { return r.reports[place] != "" })
	r.eventually(t, "the mount serves all the same", func(r *recorder) bool { return sequenceOf(r.config.Routing) == 1 })
	close(away)
	r.eventually(t, "the watch is resumed", func(r *recorder) bool { return r.synced["a"] && r.reports[place] == "" })
	assert.Equal(t, []string{"a/one"}, r.names())
}
