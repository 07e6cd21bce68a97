package translate

import (
	"fmt"
	"strings"
)

// problem is one thing that is wrong with an object.
type problem struct {
	// reason of the condition that tells of it.
	reason string
	// field is the path of what is wrong within spec; empty where no field is to blame.
	field string
	// message is a sentence without its full stop.
	message string
}

func (p problem) String() string {
	if p.field == "" {
		return p.message
	}
	return p.field + ": " + p.message
}

// problems are what is wrong with an object, in the order in which it was found.
type problems []problem

func (p *problems) add(reason, field, format string, args ...any) {
	*p = append(*p, problem{reason: reason, field: field, message: fmt.Sprintf(format, args...)})
}

// reason of the condition that tells of all problems: that of the first.
func (p problems) reason() string { return p[0].reason }

// maxParts bounds how many problems, or names, one message spells out: a message is limited, and so is the object that
// all messages are part of.
const maxParts = 8

// message tells of all problems in one line.
func (p problems) message() string {
	parts := make([]string, 0, maxParts+1)
	for i, each := range p {
		if i == maxParts {
			parts = append(parts, fmt.Sprintf("and %d more", len(p)-maxParts))
			break
		}
		parts = append(parts, each.String())
	}
	return strings.Join(parts, "; ") + "."
}

// listed spells out names, up to the limit.
func listed(names []string) string {
	if len(names) <= maxParts {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxParts], ", "), len(names)-maxParts)
}
