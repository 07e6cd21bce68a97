package invalidation

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// world is a cluster of one Gateway, and its pods.
type world struct {
	mu  sync.Mutex
	all []*corev1.Pod
	// answers of the pods, by address; those that are not here carry out any order.
	answers map[string]func() error
	// token is that of the credential.
	token string
	// asked are the addresses that were asked, with the tokens.
	asked, closed []string
}

// later changes the world.
func (w *world) later(after time.Duration, change func(*world)) {
	time.AfterFunc(after, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		change(w)
	})
}

func (w *world) pods(context.Context, types.NamespacedName) ([]*corev1.Pod, error) { return w.all, nil }

func (w *world) pod(_ context.Context, key types.NamespacedName) (*corev1.Pod, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, pod := range w.all {
		if pod.Name == key.Name {
			return pod, nil
		}
	}
	return nil, nil
}

func (w *world) credential(context.Context, types.NamespacedName) (workload.Credential, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.token == "" {
		return workload.Credential{}, errors.New("there is no Secret")
	}
	return workload.Credential{Token: w.token}, nil
}

// call asks the pods of a world.
type call struct {
	*world
	token string
}

func (c call) Close() { c.closed = append(c.closed, c.token) }

func (c call) Invalidate(_ context.Context, ip string, order []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, ip+" "+c.token+" "+string(order))
	if answer := c.answers[ip]; answer != nil {
		return answer()
	}
	return nil
}

func (w *world) carrier() *Carrier {
	return &Carrier{
		cluster: w, clients: map[types.NamespacedName]known{},
		newest: func(c workload.Credential) (asker, error) { return call{w, c.Token}, nil },
	}
}

// carry carries out an order within a minute, and says how long it took.
func (w *world) carry(t *testing.T) (v1alpha1.InvalidatedGateway, time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	run, err := w.carrier().Plan(ctx, []byte("order"), []types.NamespacedName{{Namespace: "infra", Name: "edge"}}, made)
	require.NoError(t, err)
	run.Do(ctx)
	gateways := run.Gateways("us")
	require.Len(t, gateways, 1)
	return gateways[0], time.Since(began)
}

func at(name, ip string) *corev1.Pod {
	return podOf(func(p *corev1.Pod) { p.Name, p.UID, p.Status.PodIP = name, types.UID(name), ip })
}

func TestEveryPodIsAskedUntilItHasCarriedOutTheOrder(t *testing.T) {
	down := errors.New("connection refused")
	for name, c := range map[string]struct {
		world *world
		// during happens to the world after some seconds.
		during  func(*world)
		pods    v1alpha1.InvalidatedPods
		state   v1alpha1.InvalidationState
		message string
		took    time.Duration
	}{
		"all answer at once": {
			world: &world{all: []*corev1.Pod{at("a", "10.0.0.1"), at("b", "10.0.0.2")}},
			pods:  v1alpha1.InvalidatedPods{Asked: 2, Done: 2}, state: "Complete",
		},
		"there is no pod": {world: &world{}, state: "Complete"},
		"one starts later": {
			world: &world{all: []*corev1.Pod{podOf(func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(made.Add(time.Minute)) })}},
			state: "Complete",
		},
		"one answers after a while": {
			world:  &world{all: []*corev1.Pod{at("a", "10.0.0.1")}, answers: map[string]func() error{"10.0.0.1": func() error { return down }}},
			during: func(w *world) { delete(w.answers, "10.0.0.1") },
			pods:   v1alpha1.InvalidatedPods{Asked: 1, Done: 1}, state: "Complete", took: 6300 * time.Millisecond,
		},
		"one does not answer": {
			world: &world{all: []*corev1.Pod{at("a", "10.0.0.1"), at("b", "10.0.0.2")}, answers: map[string]func() error{"10.0.0.2": func() error { return down }}},
			pods:  v1alpha1.InvalidatedPods{Asked: 2, Done: 1, Failed: 1}, state: "Failed", message: "connection refused", took: time.Minute,
		},
		"one refuses": {
			world: &world{all: []*corev1.Pod{at("a", "10.0.0.1")}, answers: map[string]func() error{
				"10.0.0.1": func() error { return &dataplane.RefusedError{Message: "exactly one"} },
			}},
			pods: v1alpha1.InvalidatedPods{Asked: 1, Failed: 1}, state: "Failed", message: "chaperone refuses the order: exactly one",
		},
		"one is killed": {
			world:  &world{all: []*corev1.Pod{at("a", "10.0.0.1"), at("b", "10.0.0.2")}, answers: map[string]func() error{"10.0.0.2": func() error { return down }}},
			during: func(w *world) { w.all = w.all[:1] },
			pods:   v1alpha1.InvalidatedPods{Asked: 2, Done: 1, Gone: 1}, state: "Complete", took: 6300 * time.Millisecond,
		},
		"one gets another address": {
			world:  &world{all: []*corev1.Pod{at("a", "10.0.0.1")}, answers: map[string]func() error{"10.0.0.1": func() error { return down }}},
			during: func(w *world) { w.all = []*corev1.Pod{at("a", "10.0.0.9")} },
			// The first attempt after 5 seconds learns of the address, and the next one uses it.
			pods: v1alpha1.InvalidatedPods{Asked: 1, Done: 1}, state: "Complete", took: 11300 * time.Millisecond,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := c.world
				w.token = "t"
				if c.during != nil {
					w.later(5*time.Second, c.during)
				}
				got, took := w.carry(t)
				assert.Equal(t, c.pods, got.Pods)
				assert.Equal(t, c.state, got.State)
				assert.Equal(t, c.took, took)
				if c.message == "" {
					assert.Empty(t, got.Failures)
				} else {
					assert.Equal(t, c.message, got.Failures[0].Message)
				}
			})
		})
	}
}

func TestACredentialThatIsMissingOrChangesIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{all: []*corev1.Pod{at("a", "10.0.0.1")}}
		w.answers = map[string]func() error{"10.0.0.1": func() error {
			if w.token == "old" {
				return errors.New("chaperone answers 401 Unauthorized")
			}
			return nil
		}}
		w.later(time.Second, func(w *world) { w.token = "old" })
		w.later(5*time.Second, func(w *world) { w.token = "new" })
		got, _ := w.carry(t)
		assert.Equal(t, v1alpha1.InvalidatedPods{Asked: 1, Done: 1}, got.Pods)
		assert.Equal(t, []string{"10.0.0.1 old order", "10.0.0.1 old order", "10.0.0.1 new order"}, w.asked)
		assert.Equal(t, []string{"old"}, w.closed)
	})
}

func TestTheProgressOfARunIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{token: "t", all: []*corev1.Pod{at("a", "10.0.0.1"), at("b", "10.0.0.2")}}
		w.answers = map[string]func() error{"10.0.0.2": func() error { return errors.New("no route  to\nhost") }}
		run, err := w.carrier().Plan(t.Context(), nil, []types.NamespacedName{{Namespace: "infra", Name: "edge"}}, made)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { run.Do(ctx); close(ended) }()
		synctest.Wait()
		assert.Equal(t, []v1alpha1.InvalidatedGateway{{
			Namespace: "infra", Name: "edge", ControllerName: "us", State: "InProgress", Pods: v1alpha1.InvalidatedPods{Asked: 2, Done: 1},
			Failures: []v1alpha1.InvalidationFailure{{Pod: "b", Message: "no route to host"}},
		}}, run.Gateways("us"))
		cancel()
		<-ended
		assert.Equal(t, v1alpha1.InvalidatedPods{Asked: 2, Done: 1, Failed: 1}, run.Gateways("us")[0].Pods)
	})
}
