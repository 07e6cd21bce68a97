//go:build apiserver

package controller

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Every writer of statuses of routes is busy, and more of them wait, until the test says otherwise. What is published in
// the meantime came before all of them.
func TestPublishingDoesNotWaitForTheStatusesOfRoutes(t *testing.T) {
	const many = 40
	proxy := startAPIProxy(t)
	var held atomic.Int32
	release := make(chan struct{})
	proxy.meeting(func(r *http.Request) *apierrors.StatusError {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/httproutes/") && strings.HasSuffix(r.URL.Path, "/status") {
			held.Add(1)
			<-release
		}
		return nil
	})
	o := proxy.startOperator(t)
	// The operator ends before the proxy does.
	t.Cleanup(func() { o.stop(t) })
	free := sync.OnceFunc(func() { close(release) })
	t.Cleanup(free)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+webService)
	names := []string{}
	for i := range many {
		require.NoError(t, cluster.Create(t.Context(), route(ns, 10+i)))
		names = append(names, fmt.Sprintf("route-%d", 10+i))
	}
	eventually(t, "every writer of statuses to be busy", func() error {
		if n := held.Load(); n < 8 {
			return fmt.Errorf("%d writes wait", n)
		}
		return nil
	})
	require.NoError(t, cluster.Create(t.Context(), route(ns, 99)))
	eventuallyRoutes(t, ns, append(names, "route-99")...)
	for _, write := range proxy.written() {
		assert.False(t, strings.Contains(write, "/httproutes/"), "%s came before what is published", write)
	}
	free()
	eventuallyCondition(t, ofRoute(t, ns, "route-99"), "Accepted", "True", "", "")
}
