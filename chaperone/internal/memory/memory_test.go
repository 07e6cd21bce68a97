package memory

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestConnectionsFitIntoTheMemory(t *testing.T) {
	for name, c := range map[string]struct {
		limit int64
		want  int
	}{
		"a quarter of 256 MiB":                            {64 << 20, 1024},
		"a quarter of 1 GiB":                              {256 << 20, 7168},
		"a quarter of 2 GiB is for more than the default": {512 << 20, 15360},
		"as little as is reserved":                        {reserved, 1},
		"less than that":                                  {0, 1},
		"one byte too few for two":                        {reserved + 2*perConnection - 1, 1},
		"just enough for two":                             {reserved + 2*perConnection, 2},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, Connections(c.limit)) })
	}
	assert.Greater(t, Connections(math.MaxInt64), 1<<40, "without a limit there is no bound")
}
