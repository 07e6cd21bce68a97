package replace

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAFileIsReplacedAsAWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	require.NoError(t, File(path, []byte("one, which is long"), 0o600))
	open, err := os.Open(path)
	require.NoError(t, err)
	defer open.Close()
	require.NoError(t, File(path, []byte("two"), 0o600))

	now, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "two", string(now))
	before := make([]byte, 100)
	n, err := open.Read(before)
	require.NoError(t, err)
	assert.Equal(t, "one, which is long", string(before[:n]), "who reads it already reads all of it")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing is left beside it")
}

func TestAFileThatCannotBeReplacedStays(t *testing.T) {
	dir := t.TempDir()
	require.ErrorContains(t, File(filepath.Join(dir, "absent", "file"), nil, 0o600), "writing file")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "full", "x"), 0o700))
	require.ErrorContains(t, File(filepath.Join(dir, "full"), nil, 0o600), "replacing full")
	assert.DirExists(t, filepath.Join(dir, "full", "x"))
}
