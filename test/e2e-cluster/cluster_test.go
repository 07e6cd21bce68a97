//go:build cluster

// Package e2ecluster shows Varnish Gateway at work in the cluster of KUBECONFIG, as `make cluster` leaves it: the chart
// installed, and the image of the conformance suite's echo server loaded.
package e2ecluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/await"
)

const (
	operatorNamespace = "varnish-gateway-system"
	operatorName      = "varnish-gateway"
	echoImage         = "registry.k8s.io/gateway-api/conformance/echo-basic:v0.1.0"
	// patience for what should take seconds, on a machine that has other work.
	patience = 2 * time.Minute
)

// kubectl runs it with a manifest on standard input, and returns what it prints.
func kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "kubectl", args...)
	command.Stdin = strings.NewReader(stdin)
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(problems.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// do is kubectl that must succeed.
func do(t *testing.T, args ...string) string {
	t.Helper()
	out, err := kubectl(t.Context(), "", args...)
	require.NoError(t, err)
	return out
}

// apply applies manifests in a namespace.
func apply(t *testing.T, namespace, manifests string) {
	t.Helper()
	_, err := kubectl(t.Context(), manifests, "-n", namespace, "apply", "--server-side", "--force-conflicts", "-f", "-")
	require.NoError(t, err)
}

// eventually waits until try succeeds.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, await.Success(ctx, what, try))
}

// backend runs the echo server under a name.
func backend(t *testing.T, namespace, name string, replicas int) {
	t.Helper()
	apply(t, namespace, fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: %[1]s}
spec: {selector: {app: %[1]s}, ports: [{port: 8080, targetPort: 3000}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  replicas: %[2]d
  selector: {matchLabels: {app: %[1]s}}
  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
      terminationGracePeriodSeconds: 15
      containers:
      - name: echo
        image: %[3]s
        imagePullPolicy: Never
        env:
        - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
        lifecycle: {preStop: {sleep: {seconds: 5}}}
        readinessProbe: {httpGet: {path: /health, port: 3000}, periodSeconds: 1}
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`, name, replicas, echoImage))
	do(t, "-n", namespace, "rollout", "status", "deployment/"+name, "--timeout=100s")
}

// gateway makes a Gateway with a listener on port 80 and returns the address when it is programmed.
func gateway(t *testing.T, namespace, name string) string {
	t.Helper()
	apply(t, namespace, gatewayManifest(name, http80))
	return programmed(t, namespace, name)
}

// http80 is a listener on port 80.
const http80 = "{name: http, port: 80, protocol: HTTP}"

// gatewayManifest is a Gateway of the class that the chart makes.
func gatewayManifest(name, listeners string) string { return gatewayOf("varnish", name, listeners, "") }

// gatewayOf is a Gateway of any class; it refers to GatewayParameters where a name of these is given.
func gatewayOf(class, name, listeners, parameters string) string {
	infrastructure := ""
	if parameters != "" {
		infrastructure = "infrastructure: {parametersRef: {group: gateway.varnish.io, kind: GatewayParameters, name: " + parameters + "}}, "
	}
	return fmt.Sprintf("{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: %s}, spec: {gatewayClassName: %s, %slisteners: [%s]}}\n---\n",
		name, class, infrastructure, listeners)
}

// parameters are the GatewayParameters of a Gateway.
func parameters(name, spec string) string {
	return fmt.Sprintf("{apiVersion: gateway.varnish.io/v1alpha1, kind: GatewayParameters, metadata: {name: %s}, spec: %s}\n---\n", name, spec)
}

// class makes a GatewayClass with parameters of its own, for this test.
func class(t *testing.T, name, spec string) {
	t.Helper()
	apply(t, "default", fmt.Sprintf(`
{apiVersion: gateway.varnish.io/v1alpha1, kind: GatewayClassParameters, metadata: {name: %[1]s}, spec: %[2]s}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: %[1]s}
spec:
  controllerName: varnish.io/gateway-controller
  parametersRef: {group: gateway.varnish.io, kind: GatewayClassParameters, name: %[1]s}
`, name, spec))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, err := kubectl(ctx, "", "delete", "gatewayclass/"+name, "gatewayclassparameters/"+name, "--wait=false", "--ignore-not-found")
		require.NoError(t, err)
	})
}

// programmed waits until this generation of the Gateway is programmed and returns its address.
func programmed(t *testing.T, namespace, name string) string {
	t.Helper()
	var address string
	eventually(t, "Gateway "+name+" programmed", func() error {
		out, err := kubectl(t.Context(), "", "-n", namespace, "get", "gateway", name, "-o", "json")
		if err != nil {
			return err
		}
		var g struct {
			Metadata struct{ Generation int64 }
			Status   struct {
				Addresses  []struct{ Value string }
				Conditions []condition
			}
		}
		if err := json.Unmarshal([]byte(out), &g); err != nil {
			return err
		}
		for _, c := range g.Status.Conditions {
			if c.Type == "Programmed" && c.Status == "True" && c.ObservedGeneration == g.Metadata.Generation && len(g.Status.Addresses) > 0 {
				address = g.Status.Addresses[0].Value
				return nil
			}
		}
		return fmt.Errorf("status %+v", g.Status)
	})
	return address
}

type condition struct {
	Type, Status, Reason, Message string
	ObservedGeneration            int64
}

// route is an HTTPRoute of a path prefix to a backend.
func route(name, gateway, path, backend string) string {
	return fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: %s}
spec:
  parentRefs: [{name: %s}]
  rules: [{matches: [{path: {type: PathPrefix, value: %s}}], backendRefs: [{name: %s, port: 8080}]}]
---
`, name, gateway, path, backend)
}

// get asks for a path and returns the status, without following redirects.
func get(ctx context.Context, address, path string) (int, string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return 0, "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// answers waits until a path is answered with a status.
func answers(t *testing.T, address, path string, status int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s answers %d", path, status), func() error {
		got, _, err := get(t.Context(), address, path)
		if err == nil && got != status {
			err = fmt.Errorf("status %d", got)
		}
		return err
	})
}

// pods of a Gateway that are not on their way out: name to start time and restarts of the container.
func pods(t *testing.T, namespace, gateway string) map[string]string {
	t.Helper()
	out := do(t, "-n", namespace, "get", "pods", "-l", "gateway.networking.k8s.io/gateway-name="+gateway, "-o", "json")
	var list struct {
		Items []struct {
			Metadata struct{ Name, DeletionTimestamp string }
			Status   struct {
				ContainerStatuses []struct {
					RestartCount int
					State        struct{ Running struct{ StartedAt string } }
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &list))
	started := map[string]string{}
	for _, pod := range list.Items {
		if pod.Metadata.DeletionTimestamp == "" {
			started[pod.Metadata.Name] = fmt.Sprint(pod.Status.ContainerStatuses)
		}
	}
	return started
}

// ended waits until no pod of a namespace is on its way out: what those lose counts too.
func ended(t *testing.T, namespace string) {
	t.Helper()
	eventually(t, "pods on their way out to be gone", func() error {
		out, err := kubectl(t.Context(), "", "-n", namespace, "get", "pods", "-o", `go-template={{range .items}}{{if .metadata.deletionTimestamp}}{{.metadata.name}} {{end}}{{end}}`)
		if err == nil && out != "" {
			err = fmt.Errorf("still there: %s", out)
		}
		return err
	})
}

// replicas of a Gateway's Deployment, as its spec says.
func replicas(t *testing.T, namespace, gateway string) string {
	t.Helper()
	return do(t, "-n", namespace, "get", "deployment", gateway, "-o", "jsonpath={.spec.replicas}")
}

// rolledOut waits until a Deployment's pods are all of the newest template and ready.
func rolledOut(t *testing.T, namespace, name string) {
	t.Helper()
	do(t, "-n", namespace, "rollout", "status", "deployment/"+name, "--timeout=110s")
}

// replaced waits until none of the pods that a Gateway had before is there, and the new ones are ready.
func replaced(t *testing.T, namespace, gateway string, before map[string]string) {
	t.Helper()
	eventually(t, "pods to be replaced", func() error {
		for name := range pods(t, namespace, gateway) {
			if _, old := before[name]; old {
				return fmt.Errorf("%s is still there", name)
			}
		}
		return nil
	})
	rolledOut(t, namespace, gateway)
	programmed(t, namespace, gateway)
}

// scale sets a Gateway's replicas and waits for them.
func scale(t *testing.T, namespace, name string, to int) {
	t.Helper()
	do(t, "-n", namespace, "scale", "deployment", name, fmt.Sprintf("--replicas=%d", to))
	rolledOut(t, namespace, name)
	eventually(t, fmt.Sprintf("%d pods", to), func() error {
		if n := len(pods(t, namespace, name)); n != to {
			return fmt.Errorf("%d pods", n)
		}
		return nil
	})
}

// cluster runs the lab cluster's script.
func cluster(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "../cluster/cluster", args...).CombinedOutput()
	require.NoError(t, err, string(out))
}

// helm runs it on the installed release.
func helm(ctx context.Context, t *testing.T, args ...string) string {
	t.Helper()
	out, err := tryHelm(ctx, t, args...)
	require.NoError(t, err, out)
	return out
}

// tryHelm is helm that may fail.
func tryHelm(ctx context.Context, t *testing.T, args ...string) (string, error) {
	t.Helper()
	binary := os.Getenv("HELM")
	require.NotEmpty(t, binary, "HELM must name the helm binary")
	out, err := exec.CommandContext(ctx, binary, append(args, "--namespace", operatorNamespace)...).CombinedOutput()
	return string(out), err
}

// chart is the path of the chart.
func chart(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../deploy/chart")
	require.NoError(t, err)
	return path
}
