//go:build cluster

package e2ecluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// cachePolicy caches what a route answers for ten minutes, and serves it stale for ten more where
// the backend fails. Without stale-while-revalidate nothing stale is served where it does not.
func cachePolicy(route string) string {
	return fmt.Sprintf(`
apiVersion: gateway.varnish.io/v1alpha1
kind: VarnishCachePolicy
metadata: {name: %[1]s}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: %[1]s}]
  freshness: {defaultTTL: 10m, staleIfError: {default: 10m}}
  storage: {tagsHeader: Surrogate-Key}
---
`, route)
}

// short is a path whose answers say that they are fresh for a second.
const short = "/short/1"

// cachedAnswer is what became of a request.
type cachedAnswer struct {
	status int
	// cacheStatus is the header of RFC 9211.
	cacheStatus string
	// version is what the request said that fetched the answer.
	version string
}

func (a cachedAnswer) isHit() bool { return strings.Contains(a.cacheStatus, "; hit") }

// ask asks one pod for a path of shop.example. The backend gives the object the first segment of
// the path as its tag.
func ask(ctx context.Context, ip, path string) (cachedAnswer, error) {
	return askFor(ctx, ip, path, "1")
}

// askFor is ask that gives the object a version, where it is fetched.
func askFor(ctx context.Context, ip, path, version string) (cachedAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+ip+path, nil)
	if err != nil {
		return cachedAnswer{}, err
	}
	request.Host = "shop.example"
	request.Header.Set("X-Echo-Set-Header", "Surrogate-Key:"+strings.Split(path, "/")[1]+",X-Version:"+version)
	if path == short {
		request.Header.Add("X-Echo-Set-Header", "Cache-Control:max-age=1")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return cachedAnswer{}, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return cachedAnswer{response.StatusCode, response.Header.Get("Cache-Status"), response.Header.Get("X-Version")}, err
}

// podAddresses of a Gateway, by the names of the pods.
func podAddresses(t *testing.T, namespace, gateway string) map[string]string {
	t.Helper()
	var list corev1.PodList
	out := do(t, "-n", namespace, "get", "pods", "-l", "gateway.networking.k8s.io/gateway-name="+gateway, "-o", "json")
	require.NoError(t, json.Unmarshal([]byte(out), &list))
	addresses := map[string]string{}
	for _, pod := range list.Items {
		if pod.DeletionTimestamp == nil {
			addresses[pod.Name] = pod.Status.PodIP
		}
	}
	return addresses
}

// fill has every pod cache these paths.
func fill(t *testing.T, addresses map[string]string, paths ...string) {
	t.Helper()
	for name, ip := range addresses {
		for _, path := range paths {
			eventually(t, fmt.Sprintf("%s to be cached by %s", path, name), func() error {
				answer, err := ask(t.Context(), ip, path)
				if err == nil && (answer.status != http.StatusOK || !answer.isHit()) {
					err = fmt.Errorf("%+v", answer)
				}
				return err
			})
		}
	}
}

// invalidation is the status of a VarnishCacheInvalidation.
type invalidation struct {
	Status struct {
		Pods     struct{ Asked, Done, Failed, Gone int }
		Gateways []struct {
			Failures []struct{ Pod, Message string }
		}
		Conditions []metav1.Condition
	}
}

// is tells whether a condition has a status.
func (i invalidation) is(kind string, status metav1.ConditionStatus) bool {
	return meta.IsStatusConditionPresentAndEqual(i.Status.Conditions, kind, status)
}

// invalidate makes a VarnishCacheInvalidation and waits until its status says what is asked for.
func invalidate(t *testing.T, namespace, name, spec string, says func(invalidation) bool) invalidation {
	t.Helper()
	apply(t, namespace, fmt.Sprintf("{apiVersion: gateway.varnish.io/v1alpha1, kind: VarnishCacheInvalidation, metadata: {name: %s}, spec: %s}", name, spec))
	return invalidated(t, namespace, name, says)
}

func invalidated(t *testing.T, namespace, name string, says func(invalidation) bool) invalidation {
	t.Helper()
	var last invalidation
	eventually(t, "invalidation "+name, func() error {
		last = invalidation{}
		out, err := kubectl(t.Context(), "", "-n", namespace, "get", "varnishcacheinvalidation", name, "-o", "json")
		if err == nil {
			err = json.Unmarshal([]byte(out), &last)
		}
		if err == nil && !says(last) {
			err = fmt.Errorf("%+v", last.Status)
		}
		return err
	})
	return last
}

func complete(i invalidation) bool { return i.is("Complete", metav1.ConditionTrue) }

// TestInvalidationsAreDoneOnEveryPod with a Gateway of three.
func TestInvalidationsAreDoneOnEveryPod(t *testing.T) {
	ns := namespace(t)
	backend(t, ns, "one", 1)
	backend(t, ns, "two", 1)
	address := gateway(t, ns, "web")
	apply(t, ns, route("one", "web", "/", "one")+route("two", "web", "/two", "two")+cachePolicy("one"))
	scale(t, ns, "web", 3)
	answers(t, address, "/a/1", 200)
	paths := []string{"/a/1", "/a/2", "/b/1?x=1"}

	for name, c := range map[string]struct {
		spec string
		gone []string
	}{
		"url":    {`{urls: ["https://Shop.Example:8443/b/1?x=1"]}`, paths[2:]},
		"prefix": {`{prefixes: ["http://shop.example/a/"]}`, paths[:2]},
		"tag":    {`{tags: [a]}`, paths[:2]},
		"host":   {`{hosts: [shop.example]}`, paths},
		"other":  {`{hosts: [other.example]}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			addresses := podAddresses(t, ns, "web")
			fill(t, addresses, paths...)
			done := invalidate(t, ns, name, c.spec, complete)
			assert.Equal(t, 3, done.Status.Pods.Asked)
			assert.Equal(t, 3, done.Status.Pods.Done)
			for pod, ip := range addresses {
				for _, path := range paths {
					answer, err := ask(t.Context(), ip, path)
					require.NoError(t, err)
					assert.Equal(t, !slices.Contains(c.gone, path), answer.isHit(), "%s of %s: %+v", path, pod, answer)
				}
			}
		})
	}
	t.Run("soft, and the origin down", func(t *testing.T) { softAndDown(t, ns, paths) })
	t.Run("one pod killed in the middle", func(t *testing.T) { killedInTheMiddle(t, ns, paths) })
	t.Run("over HTTP", func(t *testing.T) { overHTTP(t, ns, paths) })
}

// softAndDown makes objects stale: they are served while they are fetched anew, and on and on where
// the backend is gone. Nothing else fails meanwhile.
func softAndDown(t *testing.T, ns string, paths []string) {
	addresses := podAddresses(t, ns, "web")
	fill(t, addresses, paths...)
	done := invalidate(t, ns, "soft-up", `{all: true, mode: Soft}`, complete)
	assert.Equal(t, 3, done.Status.Pods.Done)
	for name, ip := range addresses {
		answer, err := askFor(t.Context(), ip, paths[0], "2")
		require.NoError(t, err)
		assert.True(t, answer.isHit() && answer.version == "1", "what is stale is served by %s: %+v", name, answer)
		renewed(t, name, ip, paths[0], "2")
	}
	fill(t, addresses, short)
	do(t, "-n", ns, "scale", "deployment", "one", "--replicas=0")
	attempts := 0
	for name, ip := range addresses {
		eventually(t, "the backend to be gone for "+name, func() error {
			attempts++
			answer, err := ask(t.Context(), ip, fmt.Sprintf("/not/cached/%d", attempts))
			if err == nil && answer.status < 500 {
				err = fmt.Errorf("%+v", answer)
			}
			return err
		})
	}
	done = invalidate(t, ns, "soft-down", `{all: true, mode: Soft}`, complete)
	assert.Equal(t, 3, done.Status.Pods.Done)
	for name, ip := range addresses {
		eventually(t, "what has expired to be served by "+name, func() error {
			answer, err := ask(t.Context(), ip, short)
			if err == nil && !strings.Contains(answer.cacheStatus, "; hit; ttl=-") {
				err = fmt.Errorf("%+v", answer)
			}
			return err
		})
	}
	requests := 0
	for range 100 {
		for name, ip := range addresses {
			for _, path := range append(slices.Clone(paths), short, "/two") {
				answer, err := ask(t.Context(), ip, path)
				require.NoError(t, err)
				require.Equal(t, http.StatusOK, answer.status, "%s of %s: %+v", path, name, answer)
				require.Equal(t, path != "/two", answer.isHit(), "%s of %s: %+v", path, name, answer)
				requests++
			}
		}
	}
	t.Logf("%d requests while the backend was gone, none failed", requests)
	do(t, "-n", ns, "scale", "deployment", "one", "--replicas=1")
	rolledOut(t, ns, "one")
	for name, ip := range addresses {
		renewed(t, name, ip, paths[0], "3")
	}
}

// renewed waits until a pod has fetched a path in a version.
func renewed(t *testing.T, pod, ip, path, version string) {
	t.Helper()
	eventually(t, "a new answer from "+pod, func() error {
		answer, err := askFor(t.Context(), ip, path, version)
		if err == nil && (answer.status != http.StatusOK || answer.version != version) {
			err = fmt.Errorf("%+v", answer)
		}
		return err
	})
}

// killedInTheMiddle stops the chaperone of one pod, whose varnishd serves on, and then kills the
// pod.
func killedInTheMiddle(t *testing.T, ns string, paths []string) {
	addresses := podAddresses(t, ns, "web")
	fill(t, addresses, paths...)
	victim := slices.Sorted(maps.Keys(addresses))[0]
	for _, process := range chaperonesOf(t, victim) {
		require.NoError(t, syscall.Kill(process, syscall.SIGSTOP))
		t.Cleanup(func() { _ = syscall.Kill(process, syscall.SIGCONT) })
	}

	failed := invalidate(t, ns, "unanswered", `{tags: [a], activeDeadlineSeconds: 3}`, func(i invalidation) bool {
		return i.is("Failed", metav1.ConditionTrue)
	})
	assert.Equal(t, 2, failed.Status.Pods.Done)
	assert.Equal(t, 1, failed.Status.Pods.Failed)
	assert.Equal(t, victim, failed.Status.Gateways[0].Failures[0].Pod)
	answer, err := ask(t.Context(), addresses[victim], paths[0])
	require.NoError(t, err)
	assert.True(t, answer.isHit(), "the status tells the truth: %+v", answer)

	invalidate(t, ns, "killed", `{tags: [a], activeDeadlineSeconds: 600}`, func(i invalidation) bool {
		return i.is("Complete", metav1.ConditionFalse) && i.Status.Pods.Done == 2
	})
	do(t, "-n", ns, "delete", "pod", victim, "--grace-period=1", "--timeout=100s")
	done := invalidated(t, ns, "killed", complete)
	assert.Equal(t, 3, done.Status.Pods.Asked)
	assert.Equal(t, 2, done.Status.Pods.Done)
	assert.Equal(t, 1, done.Status.Pods.Gone)
	rolledOut(t, ns, "web")
	for name, ip := range podAddresses(t, ns, "web") {
		answer, err := ask(t.Context(), ip, paths[0])
		require.NoError(t, err)
		assert.False(t, answer.isHit(), "%s: %+v", name, answer)
	}
}

// chaperonesOf are the processes of a pod's chaperone: the node is this machine.
func chaperonesOf(t *testing.T, pod string) []int {
	t.Helper()
	var found []int
	processes, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	for _, process := range processes {
		name, err := os.ReadFile(process + "/comm")
		if err != nil || strings.TrimSpace(string(name)) != "chaperone" {
			continue
		}
		if host, err := os.ReadFile(process + "/root/etc/hostname"); err == nil && strings.TrimSpace(string(host)) == pod {
			pid, err := strconv.Atoi(filepath.Base(process))
			require.NoError(t, err)
			found = append(found, pid)
		}
	}
	require.NotEmpty(t, found, "no chaperone of pod "+pod)
	return found
}

// overHTTP has the chart serve the invalidation API, and calls it at its Service.
func overHTTP(t *testing.T, ns string, paths []string) {
	const token = "0123456789abcdef0123456789abcdef"
	restore(t)
	install(t.Context(), t, chart(t), version(t, "OPERATOR"), version(t, "GATEWAY"), "--set", "cacheInvalidation.enabled=true")
	do(t, "-n", ns, "create", "secret", "generic", "varnish-cache-invalidation", "--from-literal=token="+token)
	service := do(t, "-n", operatorNamespace, "get", "service", operatorName+"-invalidation", "-o", "jsonpath={.spec.clusterIP}")
	addresses := podAddresses(t, ns, "web")
	fill(t, addresses, paths...)
	call := func(namespace string) (int, string, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			"http://"+service+"/v1/namespaces/"+namespace+"/invalidations", strings.NewReader(`{"tags": ["b"]}`))
		if err != nil {
			return 0, "", err
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return response.StatusCode, string(body), err
	}
	eventually(t, "the API to do it on all pods", func() error {
		status, body, err := call(ns)
		if err == nil && status != http.StatusOK {
			err = errors.New(body)
		}
		if err == nil {
			assert.Contains(t, body, `"pods":{"asked":3,"done":3,"failed":0,"gone":0}`)
		}
		return err
	})
	for name, ip := range addresses {
		for _, path := range paths {
			answer, err := ask(t.Context(), ip, path)
			require.NoError(t, err)
			assert.Equal(t, path != paths[2], answer.isHit(), "%s of %s: %+v", path, name, answer)
		}
	}
	status, _, err := call("default")
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, status)
}
