//go:build cluster

package e2ecluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// belongings are the objects of any namespace that belong to a Gateway, by what they say themselves: an ownerReference, or the
// annotation that our objects of other namespaces have, as "Kind namespace/name".
func belongings(t *testing.T, namespace, gateway, uid string) ([]string, error) {
	t.Helper()
	out, err := kubectl(t.Context(), "", "get", "-A", "-o", "json",
		"deployments,replicasets,pods,services,serviceaccounts,configmaps,secrets,roles,rolebindings,poddisruptionbudgets")
	if err != nil {
		return nil, err
	}
	var list struct {
		Items []struct {
			Kind     string
			Metadata struct {
				Namespace, Name string
				Annotations     map[string]string
				OwnerReferences []struct{ UID string }
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return nil, err
	}
	var found []string
	for _, o := range list.Items {
		owned := slices.ContainsFunc(o.Metadata.OwnerReferences, func(r struct{ UID string }) bool { return r.UID == uid })
		if owned || o.Metadata.Annotations["gateway.varnish.io/gateway"] == namespace+"/"+gateway {
			found = append(found, fmt.Sprintf("%s %s/%s", o.Kind, o.Metadata.Namespace, o.Metadata.Name))
		}
	}
	return found, nil
}

// TestDeletingAGatewayLeavesNothing, not in other namespaces either.
func TestDeletingAGatewayLeavesNothing(t *testing.T) {
	ns, backends := namespace(t), namespace(t, "backends")
	backend(t, backends, "one", 1)
	apply(t, backends, fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: from-routes}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: %s}]
  to: [{group: "", kind: Service}]
`, ns))
	apply(t, ns, parameters("web", "{podDisruptionBudget: {minAvailable: 1}}")+gatewayOf("varnish", "web", http80, "web"))
	address := programmed(t, ns, "web")
	apply(t, ns, strings.Replace(route("one", "web", "/one", "one"), "name: one, port", "name: one, namespace: "+backends+", port", 1))
	answers(t, address, "/one", 200)
	uid := do(t, "-n", ns, "get", "gateway", "web", "-o", "jsonpath={.metadata.uid}")
	owned, err := belongings(t, ns, "web", uid)
	require.NoError(t, err)
	t.Logf("%d objects: %s", len(owned), strings.Join(owned, ", "))
	for _, want := range []string{
		"Deployment " + ns, "Pod " + ns, "Service " + ns, "ServiceAccount " + ns, "ConfigMap " + ns, "Secret " + ns,
		"Role " + ns, "RoleBinding " + ns, "PodDisruptionBudget " + ns, "Role " + backends, "RoleBinding " + backends,
	} {
		require.True(t, slices.ContainsFunc(owned, func(o string) bool { return strings.HasPrefix(o, want+"/") }), "%s is not among %v", want, owned)
	}

	do(t, "-n", ns, "delete", "gateway", "web", "--timeout=60s")
	eventually(t, "everything gone", func() error {
		left, err := belongings(t, ns, "web", uid)
		if err == nil && len(left) > 0 {
			err = errors.New("left: " + strings.Join(left, ", "))
		}
		return err
	})
}
