//go:build apiserver

// Package controller runs the operator against a real API server, without nodes: pods are objects whose admin API is
// played by the test.
package controller

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/test/await"
)

// patience is how long anything may take that is waited for.
const patience = 60 * time.Second

// cluster is the API server that all tests of this package share.
var cluster struct {
	client.WithWatch
	// kubeconfig is the path of a file with all rights, and config says the same.
	kubeconfig string
	config     *rest.Config
}

func TestMain(m *testing.M) {
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func runAll(m *testing.M) (code int, err error) {
	log.SetLogger(zap.New(zap.Level(zapcore.WarnLevel)))
	assets, err := binaries()
	if err != nil {
		return 0, err
	}
	environment := &envtest.Environment{
		BinaryAssetsDirectory: assets,
		CRDDirectoryPaths:     []string{"../../operator/internal/crds/manifests"},
		ErrorIfCRDPathMissing: true,
	}
	// The tests make more Services than the default range has addresses.
	environment.ControlPlane.GetAPIServer().Configure().Set("service-cluster-ip-range", "10.0.0.0/20")
	config, err := environment.Start()
	if err != nil {
		return 0, fmt.Errorf("start the API server: %w", err)
	}
	defer func() { err = errors.Join(err, environment.Stop()) }()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), gatewayv1.Install(scheme)); err != nil {
		return 0, err
	}
	config.QPS = -1
	cluster.config = config
	if cluster.WithWatch, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return 0, err
	}
	directory, err := os.MkdirTemp("", "controller")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(directory)
	cluster.kubeconfig = filepath.Join(directory, "kubeconfig")
	if err := os.WriteFile(cluster.kubeconfig, environment.KubeConfig, 0o600); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// binaries is the directory of kube-apiserver and etcd: KUBEBUILDER_ASSETS, or what the lab cluster was built into.
func binaries() (string, error) {
	if given := os.Getenv("KUBEBUILDER_ASSETS"); given != "" {
		return given, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	found, err := filepath.Glob(filepath.Join(cache, "varnish-gateway", "lab-bin-*"))
	if err != nil || len(found) == 0 {
		return "", errors.New("no kube-apiserver and etcd: set KUBEBUILDER_ASSETS to their directory, or run test/cluster/cluster build")
	}
	return found[len(found)-1], nil
}

// namespace makes a namespace of the test's own.
func namespace(t *testing.T) string {
	t.Helper()
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	require.NoError(t, cluster.Create(t.Context(), object))
	return object.Name
}

// apply writes YAML documents into a namespace, unless they name one themselves. $NS in them is the namespace.
func apply(t *testing.T, namespace, documents string) {
	t.Helper()
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(strings.ReplaceAll(documents, "$NS", namespace))), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		if object.GetNamespace() == "" {
			object.SetNamespace(namespace)
		}
		switch object.GetKind() {
		case "GatewayClass", "GatewayClassParameters", "Namespace":
			object.SetNamespace("")
		}
		require.NoError(t, cluster.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object), client.FieldOwner("test"), client.ForceOwnership))
	}
}

// remove deletes an object.
func remove(t *testing.T, object client.Object, namespace, name string) {
	t.Helper()
	object.SetNamespace(namespace)
	object.SetName(name)
	require.NoError(t, cluster.Delete(t.Context(), object))
}

// get reads an object into object.
func get[T client.Object](t *testing.T, object T, namespace, name string) T {
	t.Helper()
	require.NoError(t, cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, object))
	return object
}

// eventually waits until try succeeds. The API server is asked often enough as it is.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	eventuallyEvery(t, 20*time.Millisecond, what, try)
}

// eventuallyEvery is eventually that pauses between two tries.
func eventuallyEvery(t *testing.T, pause time.Duration, what string, try func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, await.Every(ctx, pause, what, try))
}

// eventuallyCondition waits until conditions, read anew each time, say this. An empty reason is any; the message must
// contain what is given.
func eventuallyCondition(t *testing.T, read func() ([]metav1.Condition, error), kind string, status metav1.ConditionStatus, reason, message string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s=%s %s %q", kind, status, reason, message), func() error {
		conditions, err := read()
		if err != nil {
			return err
		}
		for _, c := range conditions {
			if c.Type == kind && c.Status == status && (reason == "" || c.Reason == reason) && strings.Contains(c.Message, message) {
				return nil
			}
		}
		return fmt.Errorf("conditions are %+v", conditions)
	})
}

// ofGateway reads the conditions of a Gateway.
func ofGateway(t *testing.T, namespace, name string) func() ([]metav1.Condition, error) {
	return func() ([]metav1.Condition, error) {
		gateway := &gatewayv1.Gateway{}
		err := cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, gateway)
		return gateway.Status.Conditions, err
	}
}

// ofRoute reads the conditions of a route at its only parent.
func ofRoute(t *testing.T, namespace, name string) func() ([]metav1.Condition, error) {
	return func() ([]metav1.Condition, error) {
		route := &gatewayv1.HTTPRoute{}
		if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, route); err != nil {
			return nil, err
		}
		for _, parent := range route.Status.Parents {
			if parent.ControllerName == "varnish.io/gateway-controller" {
				return parent.Conditions, nil
			}
		}
		return nil, errors.New("the route has no parent")
	}
}
