package local

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// names tells that exactly these files are read: each of them is broken.
func names(files ...string) func(shown) bool {
	return func(s shown) bool {
		var found []string
		for _, problem := range s.problems {
			found = append(found, filepath.Base(problem.File))
		}
		return assert.ObjectsAreEqual(files, found)
	}
}

func TestADirectoryIsFollowedHoweverItIsReplaced(t *testing.T) {
	const broken = "kind: ["
	fill := func(t *testing.T, dir, name string) {
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(broken), 0o644))
	}
	// Each has dir with one.yaml in it, and puts another one with two.yaml in its place.
	cases := map[string]func(t *testing.T, dir string){
		"removed and made again": func(t *testing.T, dir string) {
			require.NoError(t, os.RemoveAll(dir))
			fill(t, dir, "two.yaml")
		},
		"moved away": func(t *testing.T, dir string) {
			require.NoError(t, os.Rename(dir, dir+".old"))
			fill(t, dir, "two.yaml")
		},
		"another one moved into its place": func(t *testing.T, dir string) {
			fill(t, dir+".new", "two.yaml")
			require.NoError(t, os.Rename(dir, dir+".old"))
			require.NoError(t, os.Rename(dir+".new", dir))
		},
		"removed with the directory above it": func(t *testing.T, dir string) {
			require.NoError(t, os.RemoveAll(filepath.Dir(dir)))
			fill(t, dir, "two.yaml")
		},
		"moved with the directory above it": func(t *testing.T, dir string) {
			require.NoError(t, os.Rename(filepath.Dir(dir), filepath.Dir(dir)+".old"))
			fill(t, dir, "two.yaml")
		},
		"a symbolic link that points elsewhere": func(t *testing.T, dir string) {
			require.NoError(t, os.Rename(dir, dir+".old"))
			require.NoError(t, os.Symlink(dir+".old", dir))
			fill(t, dir+".new", "two.yaml")
			require.NoError(t, os.Symlink(dir+".new", dir+".link"))
			require.NoError(t, os.Rename(dir+".link", dir))
		},
	}
	for name, replace := range cases {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "above", "manifests")
			fill(t, dir, "one.yaml")
			r := &running{t: t, dir: dir, state: newState(t), changed: make(chan struct{})}
			r.run(dir)
			r.await("it is read", names("one.yaml"))
			replace(t, dir)
			r.await("the other one is read", names("two.yaml"))
			r.write("three.yaml", broken)
			r.await("a change in it is seen", names("three.yaml", "two.yaml"))
		})
	}
}

func TestADirectoryThatIsGoneLeavesEverythingServing(t *testing.T) {
	r := start(t, map[string]string{"gateway.yaml": gatewayOn("web", freePort(t))})
	r.await("the gateway is programmed", programmed("web"))
	pids, before := children(t), r.now()
	require.NoError(t, os.RemoveAll(r.dir))
	require.Eventually(t, func() bool { return r.logs.FilterMessageSnippet("what ran before goes on").Len() > 0 }, 20*time.Second, time.Millisecond)
	assert.True(t, programmed("web")(r.latest()))
	assert.Equal(t, pids, children(t))

	require.NoError(t, os.Mkdir(r.dir, 0o755))
	r.write("gateway.yaml", gatewayOn("web", freePort(t)))
	r.passed("it is read again once it is back", before, says("web", "The gateway is starting."))
	r.await("the gateway is programmed", programmed("web"))
	assert.NotEqual(t, pids, children(t))
}

func TestAFileIsFollowedAlone(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "one.yaml")
	r := &running{t: t, dir: dir, state: newState(t), changed: make(chan struct{})}
	r.write("one.yaml", "kind: [")
	r.write("two.yaml", "kind: [")
	r.run(file)
	r.await("it is read", names("one.yaml"))
	r.write("one.yaml", "")
	r.await("a change of it is seen", names())
}
