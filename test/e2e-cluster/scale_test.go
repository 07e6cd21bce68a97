//go:build cluster

package e2ecluster

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/process"
)

// routes is how many the gateway must bear.
const routes = 3000

// TestThousandsOfRoutesAreAcceptedAndAnswered, and a restart of the operator writes nothing.
func TestThousandsOfRoutesAreAcceptedAndAnswered(t *testing.T) {
	ns := namespace(t)
	backend(t, ns, "one", 1)
	address := gateway(t, ns, "web")
	began := time.Now()
	const batch = 250
	for first := 0; first < routes; first += batch {
		var manifests strings.Builder
		for i := first; i < first+batch; i++ {
			manifests.WriteString(route(fmt.Sprintf("route-%04d", i), "web", path(i), "one"))
		}
		_, err := kubectl(t.Context(), manifests.String(), "-n", ns, "create", "-f", "-")
		require.NoError(t, err)
	}
	t.Logf("%d routes created in %s", routes, time.Since(began).Round(time.Second))
	eventually(t, "every route accepted", func() error {
		out, err := kubectl(t.Context(), "", "-n", ns, "get", "gateway", "web", "-o", "jsonpath={.status.listeners[0].attachedRoutes}")
		if err == nil && out != fmt.Sprint(routes) {
			err = fmt.Errorf("%s attached", out)
		}
		return err
	})
	// Routes come in the order in which they were made: with the last one, all are there.
	answers(t, address, path(routes-1), 200)
	t.Logf("the last one answers after %s", time.Since(began).Round(time.Second))
	all := time.Now()
	answerAll(t, address)
	t.Logf("all answered, one after the other, in %s", time.Since(all).Round(time.Millisecond))
	accepted := do(t, "-n", ns, "get", "httproutes", "-o", `jsonpath={range .items[*]}{.status.parents[0].conditions[?(@.type=="Accepted")].status}{"\n"}{end}`)
	require.Equal(t, routes, strings.Count(accepted, "True"))
	t.Log(sizes(t, ns))
	t.Log(memory(t, operatorNamespace, "app.kubernetes.io/component=operator"))
	t.Log(memory(t, ns, "gateway.networking.k8s.io/gateway-name=web"))

	versions := func() string {
		return do(t, "-n", ns, "get", "configmaps,deployments,gateways,httproutes", "-o", `jsonpath={range .items[*]}{.kind}{.metadata.name}{.metadata.resourceVersion}{"\n"}{end}`)
	}
	before := versions()
	do(t, "-n", operatorNamespace, "rollout", "restart", "deployment/"+operatorName)
	rolledOut(t, operatorNamespace, operatorName)
	apply(t, ns, gatewayManifest("second", http80))
	programmed(t, ns, "second")
	after := map[string]bool{}
	for line := range strings.Lines(versions()) {
		after[strings.TrimSpace(line)] = true
	}
	for line := range strings.Lines(before) {
		require.True(t, after[strings.TrimSpace(line)], "written by a restart: %s", line)
	}
}

func path(i int) string { return fmt.Sprintf("/path-%04d", i) }

// answerAll asks every route once, all of them within what anything may take. A route may come late; it may not stay away.
func answerAll(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i := range routes {
		status, _, err := get(ctx, address, path(i))
		for ctx.Err() == nil && (err != nil || status != 200) {
			status, _, err = get(ctx, address, path(i))
		}
		require.NoError(t, err, "%s: %d of %d answered within %s", path(i), i, routes, patience)
		require.Equal(t, 200, status, "%s: %d of %d answered within %s", path(i), i, routes, patience)
	}
}

// sizes of what is published for the Gateway web.
func sizes(t *testing.T, namespace string) string {
	t.Helper()
	var list struct {
		Items []struct {
			Metadata struct{ Name string }
			Data     map[string]string
		}
	}
	out := do(t, "-n", namespace, "get", "configmaps", "-l", "gateway.networking.k8s.io/gateway-name=web", "-o", "json")
	require.NoError(t, json.Unmarshal([]byte(out), &list))
	head, shards, bytes := 0, 0, 0
	for _, config := range list.Items {
		if config.Metadata.Name == "web" {
			head = len(config.Data["routing.json"])
			continue
		}
		shards++
		for _, value := range config.Data {
			bytes += len(value)
		}
	}
	return fmt.Sprintf("routing.json has %d bytes, its %d shards %d bytes", head, shards, bytes)
}

// memory of the processes of pods, where these run on this machine.
func memory(t *testing.T, namespace, selector string) string {
	t.Helper()
	var found []string
	for uid := range strings.FieldsSeq(do(t, "-n", namespace, "get", "pods", "-l", selector, "-o", "jsonpath={.items[*].metadata.uid}")) {
		groups, err := filepath.Glob("/proc/[0-9]*/cgroup")
		require.NoError(t, err)
		for _, group := range groups {
			data, err := os.ReadFile(group)
			if err != nil || !strings.Contains(string(data), uid) {
				continue // it has ended, or is another's
			}
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(group)))
			require.NoError(t, err)
			if bytes, err := process.Resident(pid); err == nil {
				found = append(found, fmt.Sprintf("%s %d MiB", process.Name(pid), bytes>>20))
			}
		}
	}
	slices.Sort(found)
	return "memory: " + strings.Join(found, ", ")
}
