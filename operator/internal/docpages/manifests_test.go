package docpages

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/operator/internal/findings"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/manifest"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
)

const (
	samples = "../../../deploy/samples"
	guides  = "../../../docs/guides/*.md"
)

func read(t *testing.T, path string) *manifest.Set {
	t.Helper()
	reader, err := manifest.NewReader(path)
	require.NoError(t, err)
	set, err := reader.Read()
	require.NoError(t, err)
	return set
}

// missingCertificate is what is wrong with a sample by intention: private keys are not kept in a repository.
var missingCertificate = regexp.MustCompile(`ListenersNotResolved|InvalidCertificateRef\): .* Secret "[a-z/-]+" does not exist`)

func TestNothingButTheCertificatesIsMissingInTheSamples(t *testing.T) {
	set := read(t, samples)
	result := translate.Translate(set.Inputs(inputs.Options{}))
	assert.NotEmpty(t, result.Gateways)
	for _, problem := range findings.Of(set, result.Report).Problems {
		assert.Regexp(t, missingCertificate, problem.String())
	}
}

func TestEachSampleStandsAlone(t *testing.T) {
	files, err := filepath.Glob(samples + "/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		assert.Empty(t, read(t, file).Problems, file)
	}
}

// generateName is for an API server to make a name of; files are read by names.
var generateName = regexp.MustCompile(`(?m)^  generateName: (.*)$`)

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(apiVersion:.*?)^```$")

// TestAnAPIServerWouldTakeTheManifestsOfTheGuides holds every whole manifest in the guides to its schema.
func TestAnAPIServerWouldTakeTheManifestsOfTheGuides(t *testing.T) {
	pages, err := filepath.Glob(guides)
	require.NoError(t, err)
	checked := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		dir := t.TempDir()
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		for i, block := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
			checked++
			file := filepath.Join(dir, fmt.Sprintf("%s-%d.yaml", name, i+1))
			require.NoError(t, os.WriteFile(file, []byte(generateName.ReplaceAllString(block[1], "  name: ${1}x")), 0o600))
			assert.Empty(t, read(t, file).Problems, "manifest %d of %s", i+1, page)
		}
	}
	assert.NotZero(t, checked)
}
