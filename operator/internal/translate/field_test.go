package translate

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAFieldSpellsOutItsPath(t *testing.T) {
	rules := fieldOf("spec.rules")
	first := rules.at(0)
	matches := first.child("matches")
	third := matches.at(2)
	path := third.child("path")
	assert.Equal(t, "spec.rules[0].matches[2].path", path.String())
}

func TestManyProblemsAreCounted(t *testing.T) {
	var found problems
	for range maxParts + 3 {
		found.add("Reason", "field", "is %s", "wrong")
	}
	assert.Contains(t, found.message(), "; and 3 more.")
	assert.Equal(t, "Reason", found.reason())
}

func TestRuleIdentitiesAreDistinctWhateverTheNames(t *testing.T) {
	identities := ruleIdentities{route: "uid"}
	seen := map[string]bool{}
	for _, name := range []string{"a", "a", "a-2", "", "", "a-2-2"} {
		id := identities.next(name, nil)
		assert.False(t, seen[id], id)
		seen[id] = true
	}
}
