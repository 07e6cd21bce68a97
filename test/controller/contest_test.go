//go:build apiserver

package controller

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// TestAFieldThatAnotherControllerChangesBackIsTold: each write of ours is undone at once, which must not become a loop.
func TestAFieldThatAnotherControllerChangesBackIsTold(t *testing.T) {
	o := startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+web)
	startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.9")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
	o.idle(t)
	watch, err := cluster.Watch(t.Context(), &corev1.ServiceList{}, inNamespace(ns), named("edge"))
	require.NoError(t, err)
	changes, ended := 0, make(chan struct{})
	go func() {
		defer close(ended)
		for event := range watch.ResultChan() {
			service, ok := event.Object.(*corev1.Service)
			if !ok || service.Spec.Selector["theirs"] != "" {
				continue
			}
			patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"selector":{"theirs":"x"}}}`))
			if err := cluster.Patch(t.Context(), service, patch, client.FieldOwner("theirs")); err == nil {
				changes++
			}
		}
	}()
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed",
		"Service "+ns+"/edge: somebody else changes spec.selector each time that it is put right.")
	watch.Stop()
	<-ended
	// Corrections come after 0, 1, 2 and 4 seconds; it is told with the fourth.
	assert.LessOrEqual(t, changes, 6)
	eventually(t, "the selector to be put right when nobody contests it", func() error {
		if s := get(t, &corev1.Service{}, ns, "edge").Spec.Selector; s["theirs"] != "" {
			return fmt.Errorf("%v", s)
		}
		return nil
	})
	eventually(t, "the message to be gone", func() error {
		conditions, err := ofGateway(t, ns, "edge")()
		for _, c := range conditions {
			if strings.Contains(c.Message, "somebody else") {
				return errors.New(c.Message)
			}
		}
		return err
	})
}

// A pod's token names the ServiceAccount by its UID: that of one made anew is refused.
func TestAServiceAccountThatIsMadeAnewRollsThePods(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge)
	const annotation = "gateway.varnish.io/service-account-uid"
	account := gatewaypod.AccountName("edge")
	haveTokens := func() error {
		deployment, now := &appsv1.Deployment{}, &corev1.ServiceAccount{}
		if err := cluster.Get(t.Context(), clientKey(ns, "edge"), deployment); err != nil {
			return err
		}
		if err := cluster.Get(t.Context(), clientKey(ns, account), now); err != nil {
			return err
		}
		if got := deployment.Spec.Template.Annotations[annotation]; got != string(now.UID) {
			return fmt.Errorf("the pods hold tokens of %s, not of %s", got, now.UID)
		}
		return nil
	}
	eventually(t, "the pods to hold tokens of the account", haveTokens)
	first := get(t, &corev1.ServiceAccount{}, ns, account).UID
	hash := get(t, &appsv1.Deployment{}, ns, "edge").Spec.Template.Annotations[infraHash]
	remove(t, &corev1.ServiceAccount{}, ns, account)
	eventually(t, "the pods to be rolled", func() error {
		if err := haveTokens(); err != nil {
			return err
		}
		if get(t, &corev1.ServiceAccount{}, ns, account).UID == first {
			return errors.New("the account is the old one")
		}
		return nil
	})
	assert.NotEqual(t, hash, get(t, &appsv1.Deployment{}, ns, "edge").Spec.Template.Annotations[infraHash])
}
