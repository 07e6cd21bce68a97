package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAStateDirIsForOneProcess(t *testing.T) {
	path, err := os.MkdirTemp("", "gw")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(path)) })
	first, err := OpenStateDir(path)
	require.NoError(t, err)
	_, err = OpenStateDir(path)
	assert.ErrorContains(t, err, "in use by another process")
	require.NoError(t, first.Close())
	second, err := OpenStateDir(path)
	require.NoError(t, err)
	require.NoError(t, second.Close())
	assert.DirExists(t, path, "only a temporary directory is removed")
}

func TestAStateDirThatIsTooLongForSocketsIsRefused(t *testing.T) {
	above := t.TempDir()
	_, err := OpenStateDir(filepath.Join(above, strings.Repeat("x", maxStatePath)))
	assert.ErrorContains(t, err, "--state-dir")
	assertEmpty(t, above)
}

func TestATemporaryStateDirThatIsTooLongForSocketsDoesNotStay(t *testing.T) {
	above := filepath.Join(t.TempDir(), strings.Repeat("x", maxStatePath))
	require.NoError(t, os.Mkdir(above, 0o700))
	t.Setenv("TMPDIR", above)
	_, err := OpenStateDir("")
	assert.ErrorContains(t, err, "--state-dir")
	assertEmpty(t, above)
}

func assertEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestATemporaryStateDirGoesAway(t *testing.T) {
	s, err := OpenStateDir("")
	require.NoError(t, err)
	require.NoError(t, s.Close())
	assert.NoDirExists(t, s.Path())
}

func TestWhatIsLeftOfGatewaysThatAreGoneIsRemoved(t *testing.T) {
	path, err := os.MkdirTemp("", "gw")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(path)) })
	s, err := OpenStateDir(path)
	require.NoError(t, err)
	defer s.Close()
	stays, goes := Key{"shop", "stays"}, Key{"shop", "goes"}
	for _, dir := range []string{s.gatewayDir(stays), s.gatewayDir(goes), s.endpointsDir(), filepath.Join(path, "mine")} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "tls"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "tls", "web.key"), []byte("key"), 0o600))
	}
	require.NoError(t, s.forget(map[Key]bool{stays: true}))
	assert.NoDirExists(t, s.gatewayDir(goes))
	assert.FileExists(t, filepath.Join(s.gatewayDir(stays), "tls", "web.key"))
	assert.DirExists(t, s.endpointsDir(), "it belongs to no Gateway")
	assert.DirExists(t, filepath.Join(path, "mine"), "nor does what somebody else put here")
	assert.FileExists(t, filepath.Join(path, "lock"))
}
