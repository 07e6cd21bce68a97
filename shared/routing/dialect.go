package routing

import (
	"fmt"
	"regexp"
	"strings"
)

// dialectProblem finds in an expression that Go compiles what Rust refuses or takes for something else
// (ghost/crates/config/src/dialect.rs), in words for who wrote it; empty where both agree.
func dialectProblem(pattern string) string {
	for i := 0; i < len(pattern); {
		rest := pattern[i:]
		switch {
		case rest[0] == '\\':
			if problem := escapeProblem(rest); problem != "" {
				return problem
			}
			i += 2
		case rest[0] == '{':
			repetition := repetitions.FindString(rest)
			if repetition == "" {
				return `{ that repeats nothing is not the same to every reader: write \{`
			}
			i += len(repetition)
		case rest[0] == '[':
			length, problem := classProblem(rest)
			if problem != "" {
				return problem
			}
			i += length
		default:
			i++
		}
	}
	return ""
}

var repetitions = regexp.MustCompile(`^\{[0-9]+(,[0-9]*)?\}`)

// escapeProblem looks at an escape at the beginning of text, outside a class.
func escapeProblem(text string) string {
	switch {
	case len(text) < 2:
	case text[1] == '<' || text[1] == '>':
		return `\< and \> are not the same to every reader: write < and >`
	case text[1] == 'Q':
		return `\Q is not known to every reader: escape the characters one by one`
	case '0' <= text[1] && text[1] <= '9':
		return octalProblem
	case strings.HasPrefix(text[1:], "b{"):
		return `\b{...} is not the same to every reader`
	}
	return ""
}

const octalProblem = `octal escapes are not known to every reader: write \x{...}`

// classProblem looks at the class at the beginning of text, and gives its length.
func classProblem(text string) (length int, problem string) {
	i := 1
	if strings.HasPrefix(text[i:], "^") {
		i++
	}
	// What stands first is meant literally: "[]a]" and "[-a]".
	if strings.HasPrefix(text[i:], "]") {
		i++
	}
	for strings.HasPrefix(text[i:], "-") {
		i++
	}
	for i < len(text) {
		rest := text[i:]
		switch {
		case rest[0] == ']':
			return i + 1, ""
		case rest[0] == '\\':
			if len(rest) > 1 && '0' <= rest[1] && rest[1] <= '9' {
				return i, octalProblem
			}
			i += 2
		case strings.HasPrefix(rest, "[:") && strings.Contains(rest, ":]"):
			i += strings.Index(rest, ":]") + 2
		case rest[0] == '[':
			return i, `[ within a class is not the same to every reader: write \[`
		case strings.HasPrefix(rest, "&&"), strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "~~"):
			return i, fmt.Sprintf("%s within a class is not the same to every reader", rest[:2])
		default:
			i++
		}
	}
	return i, ""
}
