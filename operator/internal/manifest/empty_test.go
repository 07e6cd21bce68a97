package manifest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestAnEmptyFileKeepsItsObjectsForAMoment(t *testing.T) {
	const unread = "kind: ["
	type step struct {
		// after is how much later than the step before.
		after time.Duration
		text  string
		// routes that are served then, and whether that is not the last word.
		routes  int
		emptied bool
	}
	cases := map[string][]step{
		"one that is written again never lost them":               {{0, goodRoute, 1, false}, {0, "", 1, true}, {EmptyPause - 1, "", 1, true}, {0, goodRoute, 1, false}},
		"one that stays empty loses them":                         {{0, goodRoute, 1, false}, {0, "", 1, true}, {EmptyPause, "", 0, false}},
		"one that cannot be read afterwards goes on with them":    {{0, goodRoute, 1, false}, {0, "", 1, true}, {0, unread, 1, false}},
		"one that stayed empty has no good state to go on with":   {{0, goodRoute, 1, false}, {0, "", 1, true}, {EmptyPause, "", 0, false}, {0, unread, 0, false}},
		"one that is emptied again gets as long again":            {{0, goodRoute, 1, false}, {0, "", 1, true}, {EmptyPause / 2, goodRoute, 1, false}, {EmptyPause / 2, "", 1, true}},
		"one that could not be read before keeps its last good":   {{0, goodRoute, 1, false}, {0, unread, 1, false}, {0, "", 1, true}, {EmptyPause, "", 0, false}},
		"one that held nothing has nothing to keep":               {{0, "", 0, false}, {0, goodRoute, 1, false}},
		"one that holds only a comment is not empty, but cleared": {{0, goodRoute, 1, false}, {0, "# nothing\n", 0, false}},
	}
	for name, steps := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := newReader(t, dir)
			now := time.Now()
			r.now = func() time.Time { return now }
			for i, s := range steps {
				now = now.Add(s.after)
				write(t, dir, "route.yaml", s.text)
				set := read(t, r)
				assert.Len(t, Of[*gatewayv1.HTTPRoute](set), s.routes, "step %d", i)
				assert.Equal(t, s.emptied, set.Emptied, "step %d", i)
			}
		})
	}
}

func TestAnEmptyFileIsReadAgainHoweverOldItLooks(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "route.yaml", goodRoute)
	r := newReader(t, dir)
	now := time.Now()
	r.now = func() time.Time { return now }
	read(t, r)
	write(t, dir, "route.yaml", "")
	now = now.Add(time.Hour)
	assert.Len(t, Of[*gatewayv1.HTTPRoute](read(t, r)), 1)
	now = now.Add(EmptyPause)
	assert.Empty(t, Of[*gatewayv1.HTTPRoute](read(t, r)))
}
