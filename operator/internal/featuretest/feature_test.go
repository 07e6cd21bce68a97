package featuretest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/manifest"
	"github.com/varnish-gateway/gateway/operator/internal/render"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
	"github.com/varnish-gateway/gateway/shared/routing"
)

var update = flag.Bool("update", false, "write the expected outputs anew")

func TestFeatures(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if strings.HasPrefix(name, "_") {
			continue
		}
		t.Run(name, func(t *testing.T) { runFile(t, file) })
	}
}

func runFile(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	c, err := ParseCase(string(text))
	require.NoError(t, err)
	state := objects{}
	defaults, err := os.ReadFile("testdata/_defaults.yaml")
	require.NoError(t, err)
	require.NoError(t, state.add(string(defaults)))

	presented := map[string]map[string][]byte{}
	for i := range c.Steps {
		step := &c.Steps[i]
		require.NoError(t, state.apply(*step), step.Name)
		got := contract(outcome(t, c, state, presented))
		if *update {
			step.Want = got
			continue
		}
		assert.Equal(t, strings.TrimRight(step.Want, "\n"), strings.TrimRight(got, "\n"), step.Name)
	}
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(c.Format()), 0o644))
	}
}

// outcome translates the objects, checks what must hold for every result, and prints it. What Gateways present is that of
// the step before.
func outcome(t *testing.T, c *Case, state objects, presented map[string]map[string][]byte) string {
	in, refused := read(t, state)
	in.Presented = presented
	before, err := yaml.Marshal(in)
	require.NoError(t, err)
	result := translate.Translate(in)
	after, err := yaml.Marshal(in)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after), "translation does not change its inputs")
	assert.Equal(t, result, translate.Translate(backwards(in)), "the order of the inputs does not matter")
	for _, gateway := range result.Gateways {
		if gateway.Model != nil {
			assertSound(t, gateway)
		}
		presented[gateway.Namespace+"/"+gateway.Name] = gateway.Certificates
	}
	assertOwned(t, result.Report)
	p := &printer{show: c.Show}
	for _, problem := range refused {
		p.line(0, "refused %s: %s: %s", problem.Object, problem.Field, problem.Message)
	}
	require.NoError(t, p.result(result))
	return p.String()
}

// assertOwned checks that conditions which are not reported any more can be removed from the live status.
func assertOwned(t *testing.T, r report.Report) {
	t.Helper()
	owned := map[string][]string{}
	for _, kind := range inputs.AttachedKinds() {
		owned[kind.Name] = kind.Attached.Conditions
		assert.Subset(t, kind.Attached.Conditions, kind.Attached.Columns, kind.Name)
	}
	for _, object := range r.Attached() {
		for _, entry := range object.Entries {
			for _, condition := range entry.Conditions {
				assert.Contains(t, owned[object.Kind], condition.Type, object.Kind)
			}
		}
	}
}

// assertSound checks that a reader of the contract finds nothing wrong.
func assertSound(t *testing.T, gateway translate.Gateway) {
	t.Helper()
	assert.Empty(t, routing.Validate(gateway.Model.Config, nil))
	files, err := render.Routing(gateway.Model, nil)
	require.NoError(t, err)
	again, err := render.Routing(gateway.Model, files.Head)
	require.NoError(t, err)
	assert.False(t, again.Changed, "the same model is no change")
	for _, l := range gateway.Model.Listeners {
		for _, name := range l.Certificates {
			assert.NotEmpty(t, gateway.Certificates[name+".crt"], "listener %s", l.Name)
			assert.NotEmpty(t, gateway.Certificates[name+".key"], "listener %s", l.Name)
		}
	}
}

// read gives the objects to the reader of manifests, as files.
func read(t *testing.T, state objects) (inputs.Inputs, []manifest.Problem) {
	dir := t.TempDir()
	for name, object := range state {
		data, err := yaml.Marshal(object)
		require.NoError(t, err)
		text := withKeyPair(t, string(data))
		file := strings.NewReplacer("/", "_", " ", "_").Replace(name)
		file = file[:min(len(file), 200)] + ".yaml"
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
	}
	reader, err := manifest.NewReader(dir)
	require.NoError(t, err)
	set, err := reader.Read()
	require.NoError(t, err)
	options := inputs.Options{TrustedHops: []string{"10.0.0.0/8"}, Definitions: []inputs.Definition{
		{Resource: "gateways", BundleVersion: "v1.7.0"}, {Resource: inputs.ReferenceGrants, BundleVersion: "v1.7.0"},
	}}
	return set.Inputs(options), set.Problems
}

func backwards(in inputs.Inputs) inputs.Inputs {
	for i := range inputs.Kinds {
		inputs.Kinds[i].Reverse(&in)
	}
	in.Services = reversed(in.Services)
	in.Secrets = reversed(in.Secrets)
	in.ConfigMaps = reversed(in.ConfigMaps)
	in.Namespaces = reversed(in.Namespaces)
	return in
}

func reversed[T any](list []T) []T {
	out := make([]T, 0, len(list))
	for i := len(list) - 1; i >= 0; i-- {
		out = append(out, list[i])
	}
	return out
}

// withKeyPair puts a key pair in the place of its marks.
func withKeyPair(t *testing.T, manifest string) string {
	if !strings.Contains(manifest, "{{certificate}}") {
		return manifest
	}
	made, err := keyPair()
	require.NoError(t, err)
	indent := func(s string) string { return "|\n    " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n    ") }
	return strings.NewReplacer("'{{certificate}}'", indent(made.certificate), "'{{key}}'", indent(made.key)).Replace(manifest)
}

type pair struct{ certificate, key string }

var keyPair = sync.OnceValues(func() (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "example.org"},
		NotAfter:     time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return pair{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return pair{}, err
	}
	return pair{
		certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})),
		key:         string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	}, nil
})
