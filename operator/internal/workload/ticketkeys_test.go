package workload

import (
	"bytes"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestTicketKeysAreRotated(t *testing.T) {
	key := func(fill byte) []byte { return bytes.Repeat([]byte{fill}, 32) }
	now := time.Unix(1_800_000_000, 0)
	hoursAgo := func(hours int) string { return ticketKeyName(now.Add(-time.Duration(hours) * time.Hour)) }
	newest := hoursAgo(0)
	tests := map[string]struct {
		live map[string][]byte
		want []string
	}{
		"none yet":                   {nil, []string{newest}},
		"one that is young":          {map[string][]byte{hoursAgo(11): key(1)}, []string{hoursAgo(11)}},
		"one that is old":            {map[string][]byte{hoursAgo(12): key(1)}, []string{hoursAgo(12), newest}},
		"the oldest of three goes":   {map[string][]byte{hoursAgo(36): key(1), hoursAgo(24): key(2), hoursAgo(12): key(3)}, []string{hoursAgo(24), hoursAgo(12), newest}},
		"three, the newest is young": {map[string][]byte{hoursAgo(25): key(1), hoursAgo(13): key(2), hoursAgo(1): key(3)}, []string{hoursAgo(25), hoursAgo(13), hoursAgo(1)}},
		"too many, and old ones":     {map[string][]byte{hoursAgo(48): key(0), hoursAgo(36): key(1), hoursAgo(24): key(2), hoursAgo(12): key(3)}, []string{hoursAgo(24), hoursAgo(12), newest}},
		"what is no key goes":        {map[string][]byte{hoursAgo(1): key(1), "theirs": key(2), hoursAgo(2): []byte("short"), "0.ticket-key": key(3)}, []string{hoursAgo(1)}},
		"one of the future goes":     {map[string][]byte{hoursAgo(-1): key(1)}, []string{newest}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := RotateTicketKeys(test.live, now)
			assert.Equal(t, test.want, slices.Sorted(maps.Keys(got)))
			for name, key := range got {
				assert.Len(t, key, 32)
				if live, there := test.live[name]; there {
					assert.Equal(t, live, key)
				}
			}
		})
	}
	assert.NotEqual(t, RotateTicketKeys(nil, now), RotateTicketKeys(nil, now), "nobody else has it")
	assert.Equal(t, "1800000000.ticket-key", newest)
}
