package openfiles

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// childOf makes this test's binary a process that raises its limit and shows what a child of it has.
const childOf = "OPENFILES_TEST_RAISE"

func TestMain(m *testing.M) {
	if os.Getenv(childOf) == "" {
		os.Exit(m.Run())
	}
	limit, err := Raise()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	child, err := exec.Command("sh", "-c", "ulimit -Sn; ulimit -Hn").Output()
	fmt.Println(limit, strings.Join(strings.Fields(string(child)), " "), err)
}

func TestChildrenHaveTheHardLimit(t *testing.T) {
	command := exec.Command("sh", "-c", `ulimit -Sn 1024 && ulimit -Hn 2048 && exec "$0"`, os.Args[0])
	command.Env = append(os.Environ(), childOf+"=1")
	output, err := command.CombinedOutput()
	require.NoError(t, err, string(output))
	assert.Equal(t, "2048 2048 2048 <nil>", strings.TrimSpace(string(output)))
}

func TestConnectionsFitIntoTheLimit(t *testing.T) {
	for _, connections := range []int{1, 2, 1000, 16384} {
		t.Run(strconv.Itoa(connections), func(t *testing.T) {
			assert.Equal(t, connections, Connections(Need(connections)), "as many as there may be")
			assert.Equal(t, max(1, connections-1), Connections(Need(connections)-1), "one file too few")
		})
	}
	assert.Equal(t, 1, Connections(0), "a limit that is too low for anything")
}
