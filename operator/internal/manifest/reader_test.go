package manifest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

const goodRoute = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: hello, namespace: shop}
spec:
  parentRefs: [{name: web}]
  rules:
  - backendRefs: [{name: hello, port: 80}]
`

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func read(t *testing.T, r *Reader) *Set {
	t.Helper()
	set, err := r.Read()
	require.NoError(t, err)
	return set
}

func newReader(t *testing.T, dir string) *Reader {
	t.Helper()
	r, err := NewReader(dir)
	require.NoError(t, err)
	return r
}

// texts are the problems, with files named from their own directory.
func texts(problems []Problem) []string {
	var out []string
	for _, p := range problems {
		dir := filepath.Dir(p.File) + "/"
		p.File = filepath.Base(p.File)
		out = append(out, strings.ReplaceAll(p.String(), dir, ""))
	}
	return out
}

// readOne reads one file on its own.
func readOne(t *testing.T, text string) *Set {
	dir := t.TempDir()
	write(t, dir, "a.yaml", text)
	return read(t, newReader(t, dir))
}

func TestProblemsAreNamedByFileLineObjectAndField(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"a field that the schema does not know": {
			strings.Replace(goodRoute, "rules:", "rulez: 1\n  rules:", 1),
			`a.yaml:1: HTTPRoute shop/hello: spec.rulez: unknown field`,
		},
		"a value of the wrong type": {
			strings.Replace(goodRoute, "port: 80", "port: eighty", 1),
			`a.yaml:1: HTTPRoute shop/hello: spec.rules[0].backendRefs[0].port: Invalid value: "string": spec.rules[0].backendRefs[0].port in body must be of type integer: "string"`,
		},
		"a value that is not one of the enumeration": {
			strings.Replace(goodRoute, "- backendRefs", "- matches: [{method: FETCH}]\n    backendRefs", 1),
			`a.yaml:1: HTTPRoute shop/hello: spec.rules[0].matches[0].method: Unsupported value: "FETCH"`,
		},
		"a CEL rule of the schema": {
			strings.Replace(goodRoute, "- backendRefs", "- matches: [{path: {value: no-slash}}]\n    backendRefs", 1),
			`a.yaml:1: HTTPRoute shop/hello: spec.rules[0].matches[0].path: Invalid value: value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']`,
		},
		"a name that no object can have": {
			strings.Replace(goodRoute, "name: hello, ", "name: Hello_, ", 1),
			`a.yaml:1: HTTPRoute shop/Hello_: metadata.name: Invalid value: "Hello_": a lowercase RFC 1123 subdomain`,
		},
		"an object without a name": {
			strings.Replace(goodRoute, "name: hello, ", "", 1),
			`a.yaml:1: HTTPRoute shop/: metadata.name: Required value: name or generateName is required`,
		},
		"a version that does not exist": {
			strings.Replace(goodRoute, "/v1", "/v9", 1),
			`a.yaml:1: HTTPRoute shop/hello: no version "v9" of HTTPRoute; there is [v1 v1beta1]`,
		},
		"a kind of the Gateway API that is not supported": {
			"# comment\n---\napiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {name: g}\nspec: {}\n",
			`a.yaml:3: GRPCRoute default/g: this kind is not supported; the object would have no effect`,
		},
		"a kind that the Gateway API does not have": {
			"apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRout\nmetadata: {name: g}\n",
			`a.yaml:1: HTTPRout g: no kind "HTTPRout" in group gateway.networking.k8s.io`,
		},
		"a kind of ours in a group that is not ours": {
			"apiVersion: varnish.io/v1alpha1\nkind: VarnishCachePolicy\nmetadata: {name: g}\n",
			`a.yaml:1: VarnishCachePolicy g: VarnishCachePolicy is of the group gateway.varnish.io, not varnish.io`,
		},
		"a field of the metadata that there is not": {
			strings.Replace(goodRoute, "namespace: shop", "namespce: shop", 1),
			`a.yaml:1: HTTPRoute default/hello: unknown field "metadata.namespce"`,
		},
		"a kind that Kubernetes does not have": {
			"apiVersion: v1\nkind: Servce\nmetadata: {name: s}\n",
			`a.yaml:1: Servce s: no kind "Servce" in group core`,
		},
		"a version that Kubernetes does not have any more": {
			"apiVersion: discovery.k8s.io/v1beta1\nkind: EndpointSlice\nmetadata: {name: s}\n",
			`a.yaml:1: EndpointSlice s: no version "v1beta1" of EndpointSlice; there is [v1]`,
		},
		"YAML that cannot be read, with the line in the file": {
			goodRoute + "---\n\nkind: [\n",
			`a.yaml:10: line 10: did not find expected node content`,
		},
		"a key that occurs twice": {
			"apiVersion: v1\nkind: Service\nkind: Service\n",
			`a.yaml:1: line 3: key "kind" already set in map`,
		},
		"something that is no object": {
			"- 1\n",
			`a.yaml:1: not an object: apiVersion and kind are required`,
		},
		"an object that does not say its kind": {
			"apiVersion: v1\nmetadata: {name: x}\n",
			`a.yaml:1:  x: kind: Required value`,
		},
		"a Service field that does not exist": {
			"apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80, prot: 1}]}\n",
			`a.yaml:1: Service default/s: unknown field "spec.ports[0].prot"`,
		},
		"a port out of range": {
			"apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 70000}]}\n",
			`a.yaml:1: Service default/s: spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive`,
		},
		"two ports without names": {
			"apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}, {port: 81, name: b}]}\n",
			`a.yaml:1: Service default/s: spec.ports[0].name: Required value`,
		},
		"an endpoint that is no address": {
			"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s}\naddressType: IPv4\nendpoints: [{addresses: [\"::1\"]}]\n",
			`a.yaml:1: EndpointSlice default/s: endpoints[0].addresses[0]: Invalid value: "::1": must be a valid IPv4 address`,
		},
		"a TLS Secret without its key": {
			"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: kubernetes.io/tls\nstringData: {tls.crt: x}\n",
			`a.yaml:1: Secret default/s: data[tls.key]: Required value`,
		},
		"the same object twice in a file": {
			goodRoute + "---\n" + goodRoute,
			`a.yaml:9: HTTPRoute shop/hello: already defined in a.yaml:1, which is used`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			set := readOne(t, c.text)
			require.NotEmpty(t, set.Problems)
			assert.Contains(t, texts(set.Problems)[0], c.want)
		})
	}
}

func TestDefaultsAreThoseOfAnAPIServer(t *testing.T) {
	set := readOne(t, strings.Replace(goodRoute, ", namespace: shop", "", 1)+`---
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {a: b}
`)
	require.Empty(t, texts(set.Problems))
	route := Of[*gatewayv1.HTTPRoute](set)[0]
	assert.Equal(t, "default", route.Namespace)
	assert.NotEmpty(t, route.UID)
	require.NotNil(t, route.Spec.ParentRefs[0].Kind)
	assert.Equal(t, "Gateway", string(*route.Spec.ParentRefs[0].Kind))
	require.Len(t, route.Spec.Rules[0].Matches, 1)
	assert.Equal(t, "/", *route.Spec.Rules[0].Matches[0].Path.Value)
	assert.Equal(t, int32(1), *route.Spec.Rules[0].BackendRefs[0].Weight)
	assert.Equal(t, "b", string(Of[*corev1.Secret](set)[0].Data["a"]))

	in := set.Inputs(inputs.Options{})
	require.Len(t, in.GatewayClasses, 1)
	assert.Equal(t, DefaultClass, in.GatewayClasses[0].Name)
	require.Len(t, in.Namespaces, 1)
	assert.Equal(t, "default", in.Namespaces[0].Labels[corev1.LabelMetadataName])
}

func TestListsAndForeignKindsAreRead(t *testing.T) {
	set := readOne(t, `apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: a}}
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}
---
apiVersion: v1
kind: ConfigMapList
items:
- {metadata: {name: c}}
`)
	require.Empty(t, texts(set.Problems))
	assert.Len(t, Of[*corev1.Namespace](set), 1)
	assert.Len(t, Of[*corev1.ConfigMap](set), 1)
	assert.Equal(t, map[string]int{"Deployment": 1}, set.Ignored)
}

func TestProblemsOfKeysComeInTheirOrder(t *testing.T) {
	for _, kind := range []string{"ConfigMap", "Secret"} {
		set := readOne(t, "apiVersion: v1\nkind: "+kind+"\nmetadata: {name: m}\ndata: {e!: '', d!: '', c!: '', b!: '', a!: ''}\n")
		var fields []string
		for _, problem := range set.Problems {
			fields = append(fields, problem.Field)
		}
		assert.Equal(t, []string{"data[a!]", "data[b!]", "data[c!]", "data[d!]", "data[e!]"}, fields, kind)
	}
}

func TestIgnoredKindsAreCounted(t *testing.T) {
	set := readOne(t, "apiVersion: v1\nkind: Pod\n---\napiVersion: apps/v1\nkind: Deployment\n---\napiVersion: apps/v1\nkind: Deployment\n")
	assert.Empty(t, set.Problems)
	assert.Equal(t, "2 Deployment, 1 Pod", set.IgnoredKinds())
}

func TestOnlyManifestsAreRead(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "deep/down/a.yml", goodRoute)
	write(t, dir, "b.json", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"b"}}`)
	write(t, dir, "notes.txt", "not: [yaml")
	write(t, dir, ".hidden.yaml", "not: [yaml")
	write(t, dir, ".git/x.yaml", "not: [yaml")
	set := read(t, newReader(t, dir))
	require.Empty(t, texts(set.Problems))
	source, ok := set.Source(Key{"HTTPRoute", "shop", "hello"})
	require.True(t, ok)
	assert.Equal(t, Source{File: filepath.Join(dir, "deep/down/a.yml"), Line: 1}, source)
	assert.Len(t, Of[*corev1.Namespace](set), 1)
}

func TestTheSameObjectInTwoFilesCountsOnce(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.yaml", goodRoute)
	write(t, dir, "b.yaml", goodRoute)
	set := read(t, newReader(t, dir))
	assert.Equal(t, []string{"b.yaml:1: HTTPRoute shop/hello: already defined in a.yaml:1, which is used"}, texts(set.Problems))
}

func TestWhatBreaksKeepsItsLastGoodForm(t *testing.T) {
	other := strings.Replace(goodRoute, "name: hello,", "name: other,", 1)
	cases := map[string]struct {
		next     string
		routes   []string
		problems int
	}{
		"an invalid object stays as it was":                      {strings.Replace(goodRoute, "name: web", "nam: web", 1) + "---\n" + other, []string{"hello", "other"}, 2},
		"an unreadable file keeps all it had":                    {"kind: [", []string{"hello", "other"}, 1},
		"an object that is gone is gone":                         {goodRoute, []string{"hello"}, 0},
		"an object that is gone stays while a part is illegible": {goodRoute + "---\nkind: [", []string{"hello", "other"}, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "a.yaml", goodRoute+"---\n"+other)
			r := newReader(t, dir)
			require.Empty(t, read(t, r).Problems)
			write(t, dir, "a.yaml", c.next)
			for range 2 { // reading once more changes nothing
				set := read(t, r)
				var names []string
				for _, route := range Of[*gatewayv1.HTTPRoute](set) {
					names = append(names, route.Name)
				}
				assert.Equal(t, c.routes, names)
				assert.Len(t, set.Problems, c.problems, texts(set.Problems))
			}
		})
	}
}

// What cannot be read holds up nothing else.
func TestWhatCannotBeReadKeepsWhatItHad(t *testing.T) {
	dir := t.TempDir()
	link, below := filepath.Join(dir, "a.yaml"), filepath.Join(dir, "below")
	write(t, dir, "a.yaml", namespace("a"))
	write(t, dir, "below/b.yaml", namespace("b"))
	r := newReader(t, dir)
	require.Len(t, Of[*corev1.Namespace](read(t, r)), 2)

	require.NoError(t, os.Remove(link))
	require.NoError(t, os.Symlink("a.yaml", link))
	write(t, dir, "c.yaml", namespace("c"))
	set := read(t, r)
	assert.Len(t, Of[*corev1.Namespace](set), 3)
	assert.Equal(t, []string{"a.yaml: stat a.yaml: too many levels of symbolic links"}, texts(set.Problems))

	// Root may read every directory, so that the file system does not say this to each who runs the test.
	kept := map[string]*file{}
	r.keep(below, fs.ErrPermission, kept)
	set = merge(kept)
	assert.Len(t, Of[*corev1.Namespace](set), 1)
	assert.Equal(t, []string{"below: permission denied"}, texts(set.Problems))
}

func TestAChangeInALargeFileParsesOneDocument(t *testing.T) {
	dir := t.TempDir()
	text := func(port string) string {
		var b strings.Builder
		for _, name := range []string{"a", "b", "c"} {
			b.WriteString("---\n" + strings.Replace(goodRoute, "name: hello,", "name: "+name+",", 1))
		}
		return strings.Replace(b.String(), "port: 80", "port: "+port, 1)
	}
	write(t, dir, "a.yaml", text("80"))
	r := newReader(t, dir)
	before := Of[*gatewayv1.HTTPRoute](read(t, r))
	write(t, dir, "a.yaml", "# one more line\n"+text("81"))
	after := Of[*gatewayv1.HTTPRoute](read(t, r))
	require.Len(t, after, 3)
	assert.NotSame(t, before[0], after[0])
	assert.Same(t, before[1], after[1])
	assert.Same(t, before[2], after[2])
}

func TestAFileThatDidNotChangeIsNotReadAgain(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.yaml", goodRoute)
	old := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(dir, "a.yaml"), old, old))
	r := newReader(t, dir)
	read(t, r)
	name := filepath.Join(dir, "a.yaml")
	kept := r.files[name]
	require.NotNil(t, kept)
	read(t, r)
	assert.Same(t, kept, r.files[name])
	require.NoError(t, os.Chtimes(name, time.Now(), time.Now()))
	read(t, r)
	assert.NotSame(t, kept, r.files[name])
}

func TestSeveralDirectoriesAreReadAsOne(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	write(t, one, "a.yaml", goodRoute)
	write(t, two, "a.yaml", "{apiVersion: v1, kind: Namespace, metadata: {name: b}}")
	r, err := NewReader(one, filepath.Join(two, "a.yaml"))
	require.NoError(t, err)
	set := read(t, r)
	require.Empty(t, texts(set.Problems))
	assert.Len(t, Of[*gatewayv1.HTTPRoute](set), 1)
	assert.Len(t, Of[*corev1.Namespace](set), 1)
}

func TestADirectoryThatIsNotThereIsAnError(t *testing.T) {
	_, err := newReader(t, filepath.Join(t.TempDir(), "gone")).Read()
	assert.ErrorContains(t, err, "reading manifests")
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(goodRoute))
	f.Add([]byte("kind: List\nitems: [{kind: List, items: [1]}]"))
	f.Add([]byte("---\n# x\n--- \n{\"apiVersion\": \"v1\"}"))
	r, err := NewReader(".")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, doc := range split(data) {
			for _, object := range r.parser.parse(doc.text).objects {
				if object.object == nil && len(object.violations) == 0 {
					t.Fatalf("%s is neither good nor has it a problem", object.key)
				}
			}
		}
	})
}
