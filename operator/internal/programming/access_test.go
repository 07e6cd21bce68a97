package programming

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nowhere tells of no access that there was before.
func nowhere(string) (bool, error) { return false, nil }

func TestWhatIsPublishedWaitsUntilAccessIsSettled(t *testing.T) {
	g := newStore(t).Gateway(gateway, "1")
	waits := func(namespaces ...string) bool {
		t.Helper()
		rest, err := g.AwaitsAccess(namespaces, nowhere)
		require.NoError(t, err)
		return rest > 0
	}
	assert.False(t, waits(), "what refers to no namespace waits for none")
	assert.True(t, waits("a"), "nothing is settled yet")
	assert.True(t, g.AccessSettled([]string{"a"}), "the first word is news")
	assert.False(t, waits("a"))
	assert.True(t, waits("a", "b"), "a namespace that is new")
	assert.True(t, g.AccessSettled([]string{"a", "b"}))
	assert.False(t, g.AccessSettled([]string{"a", "b"}), "the same is no news")
	assert.False(t, waits("a", "b"))
	assert.False(t, g.AccessSettled([]string{"a"}), "nobody waits for less")
	assert.True(t, waits("a", "b"), "one that was given up is new again")

	g.AccessSettled([]string{"a", "b"})
	g.AccessWithdrawn([]string{"b", "c"})
	assert.True(t, waits("a"), "access that is being taken away")
	assert.True(t, waits("c"), "access that is yet to come")
	assert.False(t, waits("b"))
}

func TestAfterARestartAccessThatThereIsCounts(t *testing.T) {
	g := newStore(t).Gateway(gateway, "1")
	there := func(namespace string) (bool, error) { return namespace == "a", nil }
	rest, err := g.AwaitsAccess([]string{"a"}, there)
	require.NoError(t, err)
	assert.Zero(t, rest)
	rest, err = g.AwaitsAccess([]string{"a", "b"}, there)
	require.NoError(t, err)
	assert.NotZero(t, rest)
	broken := errors.New("broken")
	_, err = g.AwaitsAccess([]string{"a"}, func(string) (bool, error) { return false, broken })
	assert.ErrorIs(t, err, broken)

	g.AccessWithdrawn(nil)
	rest, _ = g.AwaitsAccess([]string{"a"}, there)
	assert.Zero(t, rest, "that others go does not say that this one does not stand")
	g.AccessSettled(nil)
	rest, _ = g.AwaitsAccess([]string{"a"}, there)
	assert.NotZero(t, rest, "what was there may have been taken away since")
}

func TestWhatIsPublishedDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newStore(t).Gateway(gateway, "1")
		awaits := func() time.Duration {
			t.Helper()
			rest, err := g.AwaitsAccess([]string{"a"}, nowhere)
			require.NoError(t, err)
			return rest
		}
		require.Equal(t, GrantWithin, awaits())
		time.Sleep(GrantWithin / 2)
		assert.Equal(t, GrantWithin/2, awaits())
		time.Sleep(GrantWithin / 2)
		assert.Zero(t, awaits())
		g.AccessSettled([]string{"a"})
		assert.Zero(t, awaits())
		g.AccessSettled(nil)
		assert.Equal(t, GrantWithin, awaits(), "the next wait is another")
		time.Sleep(GrantWithin)
		rest, err := g.AwaitsAccess([]string{"a", "b"}, nowhere)
		require.NoError(t, err)
		assert.Equal(t, GrantWithin, rest, "one namespace that takes long shortens no other's wait")
	})
}
