package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func visible(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	found := map[string]string{}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "..") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
		found[entry.Name()] = string(data)
	}
	return found
}

func bytesOf(files map[string]string) map[string][]byte {
	out := map[string][]byte{}
	for name, text := range files {
		out[name] = []byte(text)
	}
	return out
}

func TestAMountShowsWhatWasWrittenLast(t *testing.T) {
	dir := t.TempDir()
	steps := []map[string]string{
		{"a": "1", "b": "2"},
		{"a": "1", "b": "3"},
		{"b": "3", "c": "4"},
		{},
		{"a": "5"},
	}
	m, err := openMount(dir, 0o600)
	require.NoError(t, err)
	for _, step := range steps {
		require.NoError(t, m.write(bytesOf(step)))
		assert.Equal(t, step, visible(t, dir))
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Len(t, entries, len(step)+2, "one link for each file, ..data, and one directory")
	}
}

func TestAMountChangesAllFilesAtOnce(t *testing.T) {
	dir := t.TempDir()
	m, err := openMount(dir, 0o600)
	require.NoError(t, err)
	require.NoError(t, m.write(bytesOf(map[string]string{"a": "1", "b": "1"})))
	before, err := os.Readlink(filepath.Join(dir, dataLink))
	require.NoError(t, err)
	require.NoError(t, m.write(bytesOf(map[string]string{"a": "1", "b": "1"})))
	same, err := os.Readlink(filepath.Join(dir, dataLink))
	require.NoError(t, err)
	assert.Equal(t, before, same, "the same content is not written again")
	require.NoError(t, m.write(bytesOf(map[string]string{"a": "1", "b": "2"})))
	after, err := os.Readlink(filepath.Join(dir, dataLink))
	require.NoError(t, err)
	assert.NotEqual(t, before, after)
	link, err := os.Readlink(filepath.Join(dir, "a"))
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(dataLink, "a"), link)
}

func TestAMountIsTakenOverByTheNextRun(t *testing.T) {
	dir := t.TempDir()
	m, err := openMount(dir, 0o600)
	require.NoError(t, err)
	require.NoError(t, m.write(bytesOf(map[string]string{"a": "1"})))
	next, err := openMount(dir, 0o600)
	require.NoError(t, err)
	assert.Equal(t, "1", string(next.live["a"]))
}

func TestEndpointSlicesAreWrittenOnlyWhereTheyChanged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "endpoints")
	e, err := openEndpoints(dir)
	require.NoError(t, err)
	slice := func(name string) *discoveryv1.EndpointSlice {
		return &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name}}
	}
	one, two := slice("one"), slice("two")
	require.NoError(t, e.write([]*discoveryv1.EndpointSlice{one, two}))
	require.Len(t, visible(t, dir), 2)
	untouched, err := os.Stat(filepath.Join(dir, sliceFile(one)))
	require.NoError(t, err)
	require.NoError(t, e.write([]*discoveryv1.EndpointSlice{one, slice("two")}))
	still, err := os.Stat(filepath.Join(dir, sliceFile(one)))
	require.NoError(t, err)
	assert.True(t, os.SameFile(untouched, still))
	require.NoError(t, e.write([]*discoveryv1.EndpointSlice{one}))
	assert.Len(t, visible(t, dir), 1)
}
