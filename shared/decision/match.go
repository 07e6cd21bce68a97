package decision

import (
	"fmt"
	"strings"

	"github.com/varnish-gateway/gateway/shared/routing"
)

// misfit says which condition of a match does not hold; it is empty if all do.
func (r *Router) misfit(p *parsed, c *candidate) string {
	if fault, broken := r.faults.at("routes[%d].rules[%d].matches[%d]", c.route, c.rule, c.match); broken {
		return fault.Message
	}
	match := r.config.Routes[c.route].Rules[c.rule].Matches[c.match]
	if !pathFits(match.Path, p.path) {
		return fmt.Sprintf("the path %s does not match %s %s", p.path, match.Path.Type, match.Path.Value)
	}
	if match.Method != "" && match.Method != p.Method {
		return fmt.Sprintf("the method is %s, not %s", p.Method, match.Method)
	}
	for _, condition := range match.Headers {
		value, ok := p.header(condition.Name)
		if why := valueMisfit("header", condition, value, ok); why != "" {
			return why
		}
	}
	for _, condition := range match.QueryParams {
		value, ok := routing.QueryValue(p.query, condition.Name)
		if why := valueMisfit("query parameter", condition, value, ok); why != "" {
			return why
		}
	}
	return ""
}

// pathFits compares a path in normal form with a condition that validation found sound.
func pathFits(condition routing.PathMatch, path string) bool {
	if condition.Type == routing.PathRegex {
		return patternFits(condition.Value, path)
	}
	value, ok := routing.NormalizePath(condition.Value)
	if !ok {
		return false
	}
	if condition.Type == routing.PathExact {
		return path == value
	}
	rest, under := strings.CutPrefix(path, strings.TrimRight(value, "/"))
	return under && (rest == "" || rest[0] == '/' || path == wholeServer)
}

func valueMisfit(kind string, condition routing.ValueMatch, value string, present bool) string {
	switch {
	case !present:
		return fmt.Sprintf("the %s %s is missing", kind, condition.Name)
	case condition.Type == routing.ValueRegex && !patternFits(condition.Value, value):
		return fmt.Sprintf("the %s %s is %q, which %s does not match", kind, condition.Name, value, condition.Value)
	case condition.Type == routing.ValueExact && condition.Value != value:
		return fmt.Sprintf("the %s %s is %q, not %q", kind, condition.Name, value, condition.Value)
	}
	return ""
}

func patternFits(pattern, value string) bool {
	compiled, err := routing.CompilePattern(pattern)
	return err == nil && compiled.MatchString(value)
}
