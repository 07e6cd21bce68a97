//go:build cluster

package e2ecluster

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// deleted are the namespaces of tests that have ended. Pods take their time to end, so nobody waits for them one by one.
var deleted []string

// TestMain runs the tests, and then waits until all of their namespaces are gone: no finalizer holds one back.
func TestMain(m *testing.M) {
	code := m.Run()
	for _, name := range deleted {
		if err := gone(context.Background(), name); err != nil {
			fmt.Fprintf(os.Stderr, "--- FAIL: a namespace stays: %v\n", err)
			code = 1
		}
	}
	os.Exit(code)
}

// gone waits until a namespace is.
func gone(ctx context.Context, name string) error {
	_, err := kubectl(ctx, "", "wait", "--for=delete", "namespace/"+name, "--timeout="+patience.String())
	return err
}

// namespace makes one that enforces the Pod Security level restricted, for this test; a test with several tells them apart by suffixes.
func namespace(t *testing.T, suffix ...string) string {
	t.Helper()
	name := "e2e-" + strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-"))
	name = strings.TrimRight(name[:min(len(name), 50)], "-")
	name = strings.Join(append([]string{name}, suffix...), "-")
	require.NoError(t, gone(t.Context(), name), "the one of a run before this")
	apply(t, "default", fmt.Sprintf("{apiVersion: v1, kind: Namespace, metadata: {name: %s, labels: {pod-security.kubernetes.io/enforce: restricted}}}", name))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, err := kubectl(ctx, "", "delete", "namespace", name, "--wait=false")
		require.NoError(t, err)
		deleted = append(deleted, name)
	})
	return name
}
