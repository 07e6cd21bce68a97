//go:build apiserver

package controller

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

var update = flag.Bool("update", false, "write docs/reference/objects.md anew")

const (
	objectsPage = "../../docs/reference/objects.md"
	tableBegins = "<!-- made by go test -tags apiserver ./controller -run TestThePageOfObjectsIsTheTable -update -->\n"
	tableEnds   = "<!-- end of objects -->\n"
)

// TestEveryObjectFieldByField edits what is generated, by hand, and looks what becomes of it. The table is the page's.
func TestEveryObjectFieldByField(t *testing.T) {
	o := startOperator(t)
	ns, backends := namespace(t), namespace(t)
	apply(t, backends, grant(ns))
	https := `  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: cert}]}}` + "\n"
	apply(t, ns, secretManifest(t, "cert"))
	apply(t, ns, class+"---"+withParameters("{podDisruptionBudget: {minAvailable: 1}}")+https+"---"+routeTo("web", backends))
	for i := range 5 {
		require.NoError(t, cluster.Create(t.Context(), largeRoute(ns, fmt.Sprintf("large-%d", i), 3)))
	}
	eventuallyAccesses(t, backends, 2)
	var shard string
	eventually(t, "shards to be published", func() error {
		config := &corev1.ConfigMap{}
		if err := cluster.Get(t.Context(), clientKey(ns, gatewaypod.ConfigMapName("edge")), config); err != nil {
			return err
		}
		head, err := routing.Decode([]byte(config.Data[routing.File]))
		if err != nil || len(head.Shards) < 2 {
			return fmt.Errorf("%d routes, %d shards; %v\n%s", len(head.Routes), len(head.Shards), err, o.tail())
		}
		shard = gatewaypod.ShardConfigMapName("edge", head.Shards[0].Name)
		return nil
	})
	for _, each := range generatedObjects {
		t.Run(each.title, func(t *testing.T) {
			where, name := ns, each.name
			if name == "shard" {
				name = shard
			}
			if each.elsewhere {
				var roles rbacv1.RoleList
				require.NoError(t, cluster.List(t.Context(), &roles, inNamespace(backends), managed))
				require.Len(t, roles.Items, 1)
				where, name = backends, roles.Items[0].Name
			}
			key := clientKey(where, name)
			eventually(t, "the object", func() error { return cluster.Get(t.Context(), key, each.object()) })
			for _, e := range append(metadataEdits, each.edits...) {
				t.Run(e.field+" "+e.what, func(t *testing.T) {
					o.idle(t)
					e.try(t, o, each.object, key)
				})
			}
		})
	}
	o.idle(t)
	o.stop(t)
	versions := resourceVersions(t, ns)
	second := startOperator(t)
	second.idle(t)
	assert.Empty(t, second.writes(t), "what stays is written by nobody")
	assert.Equal(t, versions, resourceVersions(t, ns))
}

// try makes an edit, and waits for what is expected of it.
func (e edit) try(t *testing.T, o *operator, empty func() client.Object, key client.ObjectKey) {
	before := empty()
	require.NoError(t, cluster.Get(t.Context(), key, before))
	edited, looked := before.DeepCopyObject().(client.Object), o.reconciles(t)
	if e.patch == deleted {
		require.NoError(t, cluster.Delete(t.Context(), edited))
	} else {
		require.NoError(t, cluster.Patch(t.Context(), edited, client.RawPatch(types.JSONPatchType, []byte(e.patch)), client.FieldOwner("somebody")))
	}
	began := time.Now()
	want := e.said(t, before)
	switch e.want {
	case stays:
		want = e.said(t, edited)
		eventually(t, "the operator to have looked", func() error {
			if n := o.reconciles(t); n == looked {
				return fmt.Errorf("%s times", n)
			}
			return nil
		})
		o.idle(t)
	case anew:
		want = nil
	}
	eventually(t, "the object to be as it should", func() error {
		now := empty()
		if err := cluster.Get(t.Context(), key, now); err != nil {
			return err
		}
		if e.want == anew {
			if now.GetUID() == before.GetUID() {
				return errors.New("it is the same object")
			}
			return nil
		}
		if got := e.said(t, now); !assert.ObjectsAreEqual(want, got) {
			return fmt.Errorf("it says\n%v\ninstead of\n%v", got, want)
		}
		return nil
	})
	t.Logf("%s after %s", e.want, time.Since(began).Round(time.Millisecond))
}

// said is what an object says, but for what is counted or drawn anew with each write.
func (e edit) said(t *testing.T, object client.Object) map[string]any {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	require.NoError(t, err)
	u := &unstructured.Unstructured{Object: content}
	delete(content, "status")
	u.SetManagedFields(nil)
	u.SetResourceVersion("")
	u.SetGeneration(0)
	if e.want == stays {
		unstructured.RemoveNestedField(content, "metadata", "annotations", "gateway.varnish.io/applied")
	}
	if text, found, _ := unstructured.NestedString(content, "data", routing.File); found {
		require.NoError(t, unstructured.SetNestedField(content, sequences.ReplaceAllString(text, ""), "data", routing.File))
	}
	if ports, found, _ := unstructured.NestedSlice(content, "spec", "ports"); found && e.field == "`spec.type`" {
		for _, port := range ports {
			delete(port.(map[string]any), "nodePort")
		}
		require.NoError(t, unstructured.SetNestedSlice(content, ports, "spec", "ports"))
	}
	return content
}

// sequences of routing.json grow with each write.
var sequences = regexp.MustCompile(`"sequence": *[0-9]+,?`)

func TestThePageOfObjectsIsTheTable(t *testing.T) {
	var table strings.Builder
	table.WriteString("| object | field | edited by hand | what happens |\n|---|---|---|---|\n")
	row := func(title string, e edit) {
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", title, e.field, e.what, e.want)
	}
	for _, e := range metadataEdits {
		row("every object", e)
	}
	for _, each := range generatedObjects {
		for _, e := range each.edits {
			row(each.title, e)
		}
	}
	text, err := os.ReadFile(objectsPage)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), tableBegins)
	require.True(t, found)
	_, after, found := strings.Cut(rest, tableEnds)
	require.True(t, found)
	want := before + tableBegins + table.String() + tableEnds + after
	if *update {
		require.NoError(t, os.WriteFile(objectsPage, []byte(want), 0o644))
		return
	}
	assert.Equal(t, want, string(text), "run the test with -update")
}

// reconciles is how often the operator has looked after Gateways, successfully or not.
func (o *operator) reconciles(t *testing.T) string {
	t.Helper()
	var counts []string
	for _, line := range o.scrape(t) {
		if strings.HasPrefix(line, `controller_runtime_reconcile_total{controller="gateway",`) {
			counts = append(counts, line)
		}
	}
	return strings.Join(counts, " ")
}
