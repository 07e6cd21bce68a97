package routing

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// expressionsOf reads the expressions of a test of ghost's: both readers are held to the same ones.
func expressionsOf(t *testing.T, test string) []string {
	t.Helper()
	source, err := os.ReadFile("../../ghost/crates/config/src/dialect.rs")
	require.NoError(t, err)
	_, body, found := strings.Cut(string(source), "fn "+test+"()")
	require.True(t, found, test)
	list, _, _ := strings.Cut(body, "] {\n")
	var expressions []string
	for _, match := range regexp.MustCompile(`(?m)^ +r?"(.*)",$`).FindAllStringSubmatch(list, -1) {
		expressions = append(expressions, match[1])
	}
	require.NotEmpty(t, expressions)
	return expressions
}

func TestWhatReadersTakeForDifferentThingsIsRefused(t *testing.T) {
	expressions := append(expressionsOf(t, "what_readers_take_for_different_things_is_refused"),
		`a{`, `{a}`, `a{,5}`, `a{x}`, `\Qa.b\E`, `\101`, `[\101]`, `[]a[b]]`, `[^]&&]`)
	for _, expression := range expressions {
		_, err := CompilePattern(expression)
		assert.Error(t, err, expression)
	}
}

func TestWhatAllReadersAgreeOnPasses(t *testing.T) {
	expressions := append(expressionsOf(t, "what_all_readers_agree_on_passes"),
		`a{2}`, `a{2,}`, `a{2,5}`, `\{a\}`, `[{]`, `[]a]`, `[^]a]`, `[-a]`, `[--]`, `[a&b~c-]`, `\\<`, `[\\&]`, `(?P<n>a)`, `[[:^digit:]]`, `/[a-z]+/v[0-9]`)
	for _, expression := range expressions {
		_, err := CompilePattern(expression)
		assert.NoError(t, err, expression)
	}
}
