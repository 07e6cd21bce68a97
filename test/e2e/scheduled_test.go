package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestThreadsOfAPodDoNotPushEachOtherAside looks at every thread of chaperone and of varnishd, those that were started with
// the process and those that serve.
func TestThreadsOfAPodDoNotPushEachOtherAside(t *testing.T) {
	one := startBackend(t, "one")
	g := startGateway(t, simpleFiles(one.port))
	g.awaitStatus(200)
	parts := g.parts()
	for name, pid := range map[string]int{"chaperone": parts.Chaperone, "varnishd": parts.Varnishd, "its child": parts.Child} {
		threads, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
		require.NoError(t, err)
		require.NotEmpty(t, threads)
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			require.NoError(t, err)
			attributes, err := unix.SchedGetAttr(id, 0)
			if err == unix.ESRCH {
				continue
			}
			require.NoError(t, err)
			assert.EqualValues(t, unix.SCHED_BATCH, attributes.Policy, name)
		}
	}
}
