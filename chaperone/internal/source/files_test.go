package source

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func runFiles(t *testing.T, files Files) *recorder {
	t.Helper()
	r := newRecorder()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- files.Run(ctx, r) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	return r
}

// write replaces a file in one step, so that no reader finds half of it.
func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	temporary := filepath.Join(filepath.Dir(path), ".new")
	require.NoError(t, os.WriteFile(temporary, []byte(content), 0o644))
	require.NoError(t, os.Rename(temporary, path))
}

// mountAt makes a directory as the kubelet does: files are links through ..data, which is swapped.
func mountAt(t *testing.T, dir, generation string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		write(t, filepath.Join(dir, ".."+generation, name), content)
		link := filepath.Join(dir, name)
		if _, err := os.Lstat(link); err != nil {
			require.NoError(t, os.Symlink(filepath.Join(dataLink, name), link))
		}
	}
	temporary := filepath.Join(dir, "..data_tmp")
	require.NoError(t, os.Symlink(".."+generation, temporary))
	old, _ := os.Readlink(filepath.Join(dir, dataLink))
	require.NoError(t, os.Rename(temporary, filepath.Join(dir, dataLink)))
	if old != "" {
		require.NoError(t, os.RemoveAll(filepath.Join(dir, old)))
	}
}

func TestAMountedVolumeIsFollowedThroughItsSwaps(t *testing.T) {
	dir := t.TempDir()
	mountAt(t, dir, "one", map[string]string{"routing.json": "1", "main.vcl": "1"})
	r := runFiles(t, Files{ConfigDir: dir})
	r.eventually(t, "the first state is told", func(r *recorder) bool { return string(r.config.Routing) == "1" && string(r.config.Main) == "1" })
	for _, generation := range []string{"two", "three", "four"} {
		mountAt(t, dir, generation, map[string]string{"routing.json": generation, "main.vcl": generation})
		r.eventually(t, "the next state is told", func(r *recorder) bool {
			return string(r.config.Routing) == generation && string(r.config.Main) == generation
		})
	}
}

func TestADirectoryThatComesLaterIsFollowed(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "deep", "config")
	r := runFiles(t, Files{ConfigDir: dir})
	r.eventually(t, "nothing is told to be there", func(r *recorder) bool { return r.configs == 1 && r.config.Routing == nil })
	write(t, filepath.Join(dir, "routing.json"), "1")
	r.eventually(t, "the file is told", func(r *recorder) bool { return string(r.config.Routing) == "1" })
	require.NoError(t, os.RemoveAll(filepath.Join(root, "deep")))
	r.eventually(t, "its end is told", func(r *recorder) bool { return r.config.Routing == nil })
	write(t, filepath.Join(dir, "routing.json"), "2")
	r.eventually(t, "the directory that was made anew is followed", func(r *recorder) bool { return string(r.config.Routing) == "2" })
}

func TestShardsAndCertificates(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "shards", "07.json"), "seven")
	write(t, filepath.Join(root, "tls", "web.crt"), "certificate")
	write(t, filepath.Join(root, "tls", "web.key"), "key")
	write(t, filepath.Join(root, "tls", "half.crt"), "certificate")
	r := runFiles(t, Files{ConfigDir: root, ShardsDir: filepath.Join(root, "shards"), TLSDir: filepath.Join(root, "tls")})
	r.eventually(t, "shards are told by name", func(r *recorder) bool { return string(r.config.Shards["07"]) == "seven" })
	r.eventually(t, "certificates are told in pairs", func(r *recorder) bool {
		return string(r.pairs["web"].Certificate) == "certificate" && string(r.pairs["web"].Key) == "key" && len(r.pairs) == 2
	})
}

const sliceManifest = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %NAME%, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [10.0.0.1]}]
`

func TestManifests(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "slices.yaml")
	write(t, file, named("one")+"---\n# nothing\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n---\n"+named("two"))
	r := runFiles(t, Files{EndpointsDir: dir})
	r.eventually(t, "both slices are told", func(r *recorder) bool { return len(r.slices) == 2 && r.synced[EveryNamespace] })
	assert.Equal(t, []string{"shop/one", "shop/two"}, r.names())

	write(t, file, named("one")+"---\nkind: [broken\n")
	r.eventually(t, "the broken file is named", func(r *recorder) bool { return r.reports[PlaceEndpoints] != "" })
	assert.Len(t, r.names(), 2, "it keeps the slices that it had")

	write(t, file, named("one"))
	r.eventually(t, "a slice that has gone is told", func(r *recorder) bool { return len(r.slices) == 1 && r.reports[PlaceEndpoints] == "" })
	require.NoError(t, os.Remove(file))
	r.eventually(t, "so is the last one", func(r *recorder) bool { return len(r.slices) == 0 })
}

func TestAFileThatIsEmptyForAMomentKeepsItsSlices(t *testing.T) {
	dir, now, r := t.TempDir(), time.Unix(1000, 0), newRecorder()
	file := filepath.Join(dir, "slices.yaml")
	reader := readers{sink: r, all: []reader{
		&slicesReader{place: place{dir: dir, name: PlaceEndpoints}, now: func() time.Time { return now }},
	}}
	write(t, file, named("one"))
	require.False(t, reader.read())
	for i, step := range []struct {
		content string
		after   time.Duration
		again   bool
		want    []string
	}{
		{content: "", after: time.Second, again: true, want: []string{"shop/one"}},
		{content: "", after: doubtFor - 1, again: true, want: []string{"shop/one"}},
		{content: named("two"), after: 1, want: []string{"shop/two"}},
		{content: "", after: time.Hour, again: true, want: []string{"shop/two"}},
		{content: "", after: doubtFor},
		{content: "", after: time.Hour},
	} {
		write(t, file, step.content)
		now = now.Add(step.after)
		assert.Equal(t, step.again, reader.read(), "step %d", i)
		assert.Equal(t, step.want, r.names(), "step %d", i)
	}
}

func TestAFileThatStaysEmptyIsBelieved(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "slices.yaml")
	write(t, file, named("one"))
	r := runFiles(t, Files{EndpointsDir: dir})
	r.eventually(t, "the slice is told", func(r *recorder) bool { return len(r.slices) == 1 })
	write(t, file, "")
	r.eventually(t, "its end is told", func(r *recorder) bool { return len(r.slices) == 0 })
}

func TestDirectoriesThatCannotBeWatchedAreReadAllTheSame(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "routing.json"), "1")
	core, logs := observer.New(zap.WarnLevel)
	var may atomic.Bool
	r := runFiles(t, Files{ConfigDir: dir, Log: zap.New(core), watch: func(dirs ...string) (*watcher, error) {
		if !may.Load() {
			return nil, syscall.EMFILE
		}
		return newWatcher(dirs...)
	}})
	r.eventually(t, "the first state is told", func(r *recorder) bool { return string(r.config.Routing) == "1" })
	write(t, filepath.Join(dir, "routing.json"), "2")
	r.eventually(t, "the next state is told", func(r *recorder) bool { return string(r.config.Routing) == "2" })
	assert.Equal(t, 1, logs.Len(), "the reason is said once")
	may.Store(true)
	write(t, filepath.Join(dir, "routing.json"), "3")
	r.eventually(t, "it goes on once they can be watched", func(r *recorder) bool { return string(r.config.Routing) == "3" })
}

func TestOnlyWhatIsNotThereIsWatchedFromAbove(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := newWatcher(filepath.Join(file, "config"))
	assert.ErrorIs(t, err, syscall.ENOTDIR)
}

func TestParseSlices(t *testing.T) {
	tests := map[string]struct {
		manifest string
		want     []string
		problem  bool
	}{
		"nothing":           {manifest: ""},
		"JSON":              {manifest: `{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"a"}}`, want: []string{"default/a"}},
		"a list":            {manifest: `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"a","namespace":"n"}},{"apiVersion":"v1","kind":"Pod"}]}`, want: []string{"n/a"}},
		"a list of slices":  {manifest: `{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSliceList","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}`, want: []string{"default/a", "default/b"}},
		"another version":   {manifest: `{"apiVersion":"discovery.k8s.io/v1beta1","kind":"EndpointSlice","metadata":{"name":"a"}}`},
		"a wrong type":      {manifest: `{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","endpoints":{}}`, problem: true},
		"what is no object": {manifest: `[1]`, problem: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			found, err := parseSlices([]byte(test.manifest))
			assert.Equal(t, test.problem, err != nil, "%v", err)
			var got []string
			for _, slice := range found {
				got = append(got, slice.Namespace+"/"+slice.Name)
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func FuzzParseSlices(f *testing.F) {
	f.Add([]byte(named("a")))
	f.Add([]byte("kind: List\nitems: [{}]"))
	f.Fuzz(func(t *testing.T, manifest []byte) {
		found, err := parseSlices(manifest)
		if err != nil {
			assert.Empty(t, found)
		}
	})
}

func named(name string) string { return strings.ReplaceAll(sliceManifest, "%NAME%", name) }
