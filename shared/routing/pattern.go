package routing

import (
	"errors"
	"fmt"
	"regexp"
)

// CompilePattern compiles the regular expression of a match so that it fits whole values only. The pattern is
// compiled alone first: "a)|(?:b" is broken, though it would compile between the parentheses put around it,
// and would then fit far more than it says. What Rust would read otherwise is refused, too.
func CompilePattern(pattern string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(pattern); err != nil {
		return nil, fmt.Errorf("compile regular expression: %w", err)
	}
	if problem := dialectProblem(pattern); problem != "" {
		return nil, errors.New(problem)
	}
	whole, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return nil, fmt.Errorf("compile regular expression as a whole: %w", err)
	}
	return whole, nil
}
