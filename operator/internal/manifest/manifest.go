// Package manifest reads a directory of Kubernetes manifests as an API server would take them: strictly, with
// defaults filled in, and with every problem named by file, line, object and field.
//
// It understands the kinds that decide what a gateway does. Other kinds may lie beside them; they are
// counted, and otherwise left alone, unless they are a slip: kinds that the groups it reads do not have.
package manifest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Key identifies an object across the directory.
type Key struct {
	Kind string
	// Namespace is empty for kinds that live in none.
	Namespace string
	Name      string
}

// String is the key as messages show it: "HTTPRoute shop/cart".
func (k Key) String() string {
	if k.Namespace == "" {
		return k.Kind + " " + k.Name
	}
	return k.Kind + " " + k.Namespace + "/" + k.Name
}

func (k Key) compare(other Key) int {
	return cmp.Or(cmp.Compare(k.Kind, other.Kind), cmp.Compare(k.Namespace, other.Namespace), cmp.Compare(k.Name, other.Name))
}

// Source is where an object stands.
type Source struct {
	// File, with the directory as the user named it.
	File string `json:"file"`
	// Line on which its document starts, counted from 1.
	Line int `json:"line"`
}

// String is the place as compilers write it: "routes.yaml:12".
func (s Source) String() string {
	if s.Line == 0 {
		return s.File
	}
	return fmt.Sprintf("%s:%d", s.File, s.Line)
}

// Problem is something that an API server would refuse, or that the gateway cannot do.
type Problem struct {
	Source
	// Object is the key of the object as text; empty where it cannot be told.
	Object string `json:"object,omitempty"`
	// Field is the path of the field; empty where the whole object is meant.
	Field string `json:"field,omitempty"`
	// Message says what is wrong.
	Message string `json:"message"`
}

// String is the problem on one line.
func (p Problem) String() string {
	text := p.Source.String() + ": "
	if p.Object != "" {
		text += p.Object + ": "
	}
	if p.Field != "" {
		text += p.Field + ": "
	}
	return text + p.Message
}

// entry is an object with its place. Objects are shared between readings: nobody may change them.
type entry struct {
	key    Key
	object metav1.Object
	source Source
}

// Set is what a directory holds.
type Set struct {
	// Problems in the order of files and lines.
	Problems []Problem
	// Ignored counts the objects of each kind that has no meaning here.
	Ignored map[string]int
	// Emptied says that a file is empty whose objects are still here: another reading, EmptyPause later, tells whether
	// they go.
	Emptied bool
	entries map[Key]entry
}

// IgnoredKinds spells out what was ignored: "3 Deployment, 1 Ingress"; empty where nothing was.
func (s *Set) IgnoredKinds() string {
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(s.Ignored)) {
		kinds = append(kinds, fmt.Sprintf("%d %s", s.Ignored[kind], kind))
	}
	return strings.Join(kinds, ", ")
}

// Source tells where an object stands.
func (s *Set) Source(key Key) (Source, bool) {
	e, ok := s.entries[key]
	return e.source, ok
}

// Object finds an object; nil where there is none.
func (s *Set) Object(key Key) metav1.Object { return s.entries[key].object }

// Keys lists the objects of a kind, ordered by namespace and name.
func (s *Set) Keys(kind string) []Key {
	var keys []Key
	for key := range s.entries {
		if key.Kind == kind {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, Key.compare)
	return keys
}

// Of lists the objects of one Go type, ordered by namespace and name.
func Of[T metav1.Object](s *Set) []T {
	var found []entry
	for _, e := range s.entries {
		if _, ok := e.object.(T); ok {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b entry) int { return a.key.compare(b.key) })
	objects := make([]T, len(found))
	for i, e := range found {
		objects[i] = e.object.(T)
	}
	return objects
}
