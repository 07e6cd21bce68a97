package apply

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var selector = []difference{{path: "spec.selector"}}

// contest is a clock that is moved, and corrections that go by it.
func contest() (*Corrections, func(time.Duration)) {
	now := time.Unix(1_800_000_000, 0)
	return &Corrections{now: func() time.Time { return now }}, func(d time.Duration) { now = now.Add(d) }
}

func TestAnObjectThatIsChangedAgainAndAgainIsPutRightLessAndLess(t *testing.T) {
	c, pass := contest()
	writes, reported := 0, 0
	for range 3600 {
		var contested *ContestedError
		switch err := c.begin("Service ns/edge", "digest", true, selector); {
		case err == nil:
			writes++
		default:
			require.ErrorAs(t, err, &contested)
			assert.Positive(t, contested.Again)
			assert.LessOrEqual(t, contested.Again, correctAgain.Last)
			if contested.Persistent() {
				reported++
			}
		}
		pass(time.Second)
	}
	// 1+2+4+...+256 s, and then one in five minutes.
	assert.Equal(t, 10+10, writes)
	assert.Greater(t, reported, 3500)
}

func TestAnotherWishIsNoCorrection(t *testing.T) {
	c, _ := contest()
	for _, digest := range []string{"a", "b", "c", "d"} {
		assert.NoError(t, c.begin("Service ns/edge", digest, false, selector))
	}
	assert.NoError(t, c.begin("Service ns/edge", "d", true, selector), "it is put right at once")
	assert.Error(t, c.begin("Service ns/edge", "d", true, selector))
	assert.NoError(t, c.begin("Service ns/edge", "e", false, selector), "another wish waits for nothing")
}

func TestTwoWritersThatSignTheirWritesAreBoundedToo(t *testing.T) {
	c, _ := contest()
	require.NoError(t, c.begin("Deployment ns/edge", "ours", false, selector))
	require.NoError(t, c.begin("Deployment ns/edge", "ours", false, selector))
	assert.Error(t, c.begin("Deployment ns/edge", "ours", false, selector))
}

func TestWhatAdmissionChangesIsToldAtOnce(t *testing.T) {
	c, pass := contest()
	var contested *ContestedError
	require.ErrorAs(t, c.undone("Deployment ns/edge", "digest", selector), &contested)
	assert.True(t, contested.Persistent())
	assert.EqualError(t, contested, "Deployment ns/edge: somebody else changes spec.selector each time that it is put right")
	assert.Error(t, c.begin("Deployment ns/edge", "digest", true, selector))
	pass(correctAgain.First)
	assert.NoError(t, c.begin("Deployment ns/edge", "digest", true, selector))
	assert.Error(t, c.undone("Deployment ns/edge", "digest", selector))
	pass(correctAgain.First)
	assert.Error(t, c.begin("Deployment ns/edge", "digest", true, selector), "the pause has grown")
}

func TestOneFieldDoesNotWaitForAnother(t *testing.T) {
	c, _ := contest()
	require.NoError(t, c.begin("Service ns/edge", "digest", true, selector))
	require.Error(t, c.begin("Service ns/edge", "digest", true, selector))
	assert.NoError(t, c.begin("Service ns/edge", "digest", true, append([]difference{{path: "spec.type"}}, selector...)))
}

func TestWhatIsCalmIsForgotten(t *testing.T) {
	c, pass := contest()
	for range 100 {
		_ = c.begin("Service ns/edge", "digest", true, selector)
		pass(time.Minute)
	}
	pass(calm + time.Second)
	require.NoError(t, c.begin("Service ns/other", "digest", true, selector))
	assert.Len(t, c.known, 1)
	assert.NoError(t, c.begin("Service ns/edge", "digest", true, selector))
	assert.Equal(t, correctAgain.First, c.known["Service ns/edge"].fields["spec.selector"].pause)
}

func TestAWriteThatFailsIsNoCorrection(t *testing.T) {
	c, _ := contest()
	for range 10 {
		require.NoError(t, c.begin("Service ns/edge", "digest", false, selector))
		c.failed("Service ns/edge")
	}
	require.NoError(t, c.begin("Service ns/edge", "digest", true, selector))
	assert.Error(t, c.begin("Service ns/edge", "digest", true, selector), "that one was")
	c.failed("Service ns/other")
}

func TestWhatIsDeletedAgainAndAgainIsMadeLessAndLess(t *testing.T) {
	c, pass := contest()
	require.NoError(t, c.beginAnew("Service ns/edge", "digest"), "it is made")
	made := 0
	var last *ContestedError
	for range 60 {
		if err := c.beginAnew("Service ns/edge", "digest"); err == nil {
			made++
		} else {
			require.ErrorAs(t, err, &last)
			assert.True(t, last.Missing)
		}
		pass(time.Second)
	}
	// After 0, 1, 3, 7, 15 and 31 seconds.
	assert.Equal(t, 6, made)
	assert.EqualError(t, last, "Service ns/edge: somebody else deletes it each time that it is made")
	assert.NoError(t, c.beginAnew("Service ns/edge", "another"), "another wish waits for nothing")
}

func TestWhatWeDeleteOurselvesIsMadeAgainAtOnce(t *testing.T) {
	c, _ := contest()
	for range 20 {
		require.NoError(t, c.beginAnew("RoleBinding ns/edge", "digest"))
		c.deleted("RoleBinding ns/edge")
	}
	require.NoError(t, c.beginAnew("RoleBinding ns/edge", "digest"))
	require.NoError(t, c.beginAnew("RoleBinding ns/edge", "digest"), "somebody else deletes it")
	assert.Error(t, c.beginAnew("RoleBinding ns/edge", "digest"), "and again")
	c.deleted("RoleBinding ns/other")
}
