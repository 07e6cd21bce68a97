package main

import (
	"fmt"
	"go/ast"
	"strconv"
	"strings"
)

// markers are the lines of a comment that speak to controller-gen, without their "+".
type markers []string

// split parts a comment into words for people, as one paragraph, and words for controller-gen.
func split(comment *ast.CommentGroup) (string, markers) {
	if comment == nil {
		return "", nil
	}
	var words []string
	var marked markers
	for line := range strings.Lines(comment.Text()) {
		line = strings.TrimSpace(line)
		if marker, ok := strings.CutPrefix(line, "+"); ok {
			marked = append(marked, marker)
		} else if line != "" {
			words = append(words, line)
		}
	}
	return strings.Join(words, " "), marked
}

func (m markers) has(name string) bool {
	_, ok := m.value(name)
	return ok
}

// value of a marker, which is empty where the marker has none.
func (m markers) value(name string) (string, bool) {
	for _, marker := range m {
		if marker == name {
			return "", true
		}
		for _, separator := range []string{"=", ":"} {
			if value, ok := strings.CutPrefix(marker, name+separator); ok {
				return value, true
			}
		}
	}
	return "", false
}

// words of an enumeration.
func (m markers) words() []string {
	value, ok := m.value("kubebuilder:validation:Enum")
	if !ok {
		return nil
	}
	return strings.Split(value, ";")
}

// limits that an API server holds values to, each as a phrase.
var limits = []struct{ marker, phrase string }{
	{"kubebuilder:validation:Minimum", "at least %s"},
	{"kubebuilder:validation:Maximum", "at most %s"},
	{"kubebuilder:validation:MaxLength", "at most %s characters"},
	{"kubebuilder:validation:Pattern", "of the form %s"},
	{"kubebuilder:validation:MaxItems", "at most %s"},
	{"kubebuilder:validation:MaxProperties", "at most %s"},
	{"kubebuilder:validation:items:MaxLength", "each at most %s characters"},
}

// limits of a value in words, in a fixed order.
func (m markers) limits() []string {
	var phrases []string
	if words := m.words(); len(words) > 0 {
		phrases = append(phrases, "one of `"+strings.Join(words, "`, `")+"`")
	}
	for _, each := range limits {
		if value, ok := m.value(each.marker); ok {
			phrases = append(phrases, fmt.Sprintf(each.phrase, value))
		}
	}
	return append(phrases, m.rules()...)
}

// rules are the messages of the CEL rules.
func (m markers) rules() []string {
	const begin = "kubebuilder:validation:XValidation:message="
	var messages []string
	for _, marker := range m {
		quoted, ok := strings.CutPrefix(marker, begin)
		if !ok {
			continue
		}
		// The message is a Go string; the rule behind it is for machines.
		prefix, err := strconv.QuotedPrefix(quoted)
		if err != nil {
			continue
		}
		if message, err := strconv.Unquote(prefix); err == nil {
			messages = append(messages, message)
		}
	}
	return messages
}
