package schemagen_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/internal/schemagen"
)

const generate = "run `go generate ./...` in shared, and commit what it changes"

func TestCheckedInSchemasAreThoseOfTheTypes(t *testing.T) {
	for _, contract := range schemagen.Contracts() {
		t.Run(contract.Name, func(t *testing.T) {
			want, err := contract.JSON()
			require.NoError(t, err)
			got, err := os.ReadFile(filepath.Join(schemagen.Dir, contract.FileName()))
			require.NoError(t, err)
			assert.True(t, string(want) == string(got), "%s is stale: %s", contract.FileName(), generate)
		})
	}
}

func TestReferencePagesHaveTheFieldsOfTheTypes(t *testing.T) {
	for _, contract := range schemagen.Contracts() {
		t.Run(contract.Name, func(t *testing.T) {
			page, err := os.ReadFile(filepath.Join(schemagen.PagesDir, contract.Page))
			require.NoError(t, err)
			want, err := contract.Fill(string(page))
			require.NoError(t, err)
			assert.True(t, want == string(page), "%s is stale: %s", contract.Page, generate)
			assert.Contains(t, string(page), "**"+contract.Version+"**", "the page names the version")
		})
	}
}

func TestAPageWithoutMarksIsAnError(t *testing.T) {
	contract := schemagen.Contracts()[0]
	_, err := contract.Fill("# routing.json\n")
	assert.ErrorContains(t, err, "routing.md has no mark")
	_, err = contract.Fill("<!-- begin fields of routing.json; generated from the Go types -->\n")
	assert.ErrorContains(t, err, "<!-- end fields of routing.json -->")
}
