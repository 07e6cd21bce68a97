package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEmbeddedCRDsAreThoseOfTheModuleAndOurOwn(t *testing.T) {
	fresh := filepath.Join(t.TempDir(), "manifests")
	require.NoError(t, run(fresh, "../../../config/crd"))
	assert.Equal(t, content(t, fresh), content(t, "../manifests"), "run: go generate ./internal/crds")
}

func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := map[string]string{}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
		files[entry.Name()] = string(data)
	}
	return files
}
