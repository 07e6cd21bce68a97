package apply

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// difference is a field of a live object that is not as desired.
type difference struct {
	// path as a person reads it: elements of lists by their name.
	path string
	// fixed says that only another object can be as desired.
	fixed bool
}

// comparison of a live object with what is desired of it.
type comparison struct {
	kind  string
	found []difference
}

// compare tells where a live object is not as desired. Both are objects of a kind in the form of JSON.
func compare(kind string, live, desired map[string]any) []difference {
	c := comparison{kind: kind}
	c.maps("", "", live, desired)
	return c.found
}

// value compares at a path of the table, which shown is to people.
func (c *comparison) value(path, shown string, live, desired any) {
	switch rule := ruleOf(c.kind, path); rule {
	case whole, fixed:
		if !equal(live, desired) {
			c.found = append(c.found, difference{path: shown, fixed: rule == fixed})
		}
		return
	case further:
		c.further(path, shown, live, desired)
		return
	}
	switch desired := desired.(type) {
	case map[string]any:
		if live, ok := live.(map[string]any); ok {
			c.maps(path, shown, live, desired)
			return
		}
	case []any:
		if live, ok := live.([]any); ok && len(live) == len(desired) {
			for i := range desired {
				c.value(path+"[]", fmt.Sprintf("%s[%d]", shown, i), live[i], desired[i])
			}
			return
		}
	default:
		if reflect.DeepEqual(live, desired) {
			return
		}
	}
	if !empty(live) || !empty(desired) {
		c.found = append(c.found, difference{path: shown})
	}
}

func (c *comparison) maps(path, shown string, live, desired map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(desired)) {
		if has, there := live[key]; there || !empty(desired[key]) {
			c.value(join(path, key), join(shown, key), has, desired[key])
		}
	}
	// What is to be empty may be missing in what is desired.
	for _, key := range ruled(c.kind, path) {
		if _, said := desired[key]; !said {
			c.value(join(path, key), join(shown, key), live[key], nil)
		}
	}
}

func (c *comparison) further(path, shown string, live, desired any) {
	has, _ := live.([]any)
	wants, _ := desired.([]any)
	for _, want := range wants {
		at := shown + "[" + label(path, want) + "]"
		if i := find(path, has, want); i >= 0 {
			c.value(path+"[]", at, has[i], want)
		} else {
			c.found = append(c.found, difference{path: at})
		}
	}
}

// ruled are the fields directly under a path that must be empty where nothing is desired.
func ruled(kind, path string) []string {
	var fields []string
	for ruled, rule := range rules[kind] {
		if i := strings.LastIndex(ruled, "."); rule != further && !strings.HasSuffix(ruled, "[]") && ruled[:max(i, 0)] == path {
			fields = append(fields, ruled[i+1:])
		}
	}
	slices.Sort(fields)
	return fields
}

// find the element of a list that has the key of the one that is wanted; -1 where there is none.
func find(path string, elements []any, wanted any) int {
	key := keyOf(path)
	name := keyed(wanted, key)
	return slices.IndexFunc(elements, func(element any) bool {
		if name == nil {
			return holds(element, wanted)
		}
		return reflect.DeepEqual(keyed(element, key), name)
	})
}

// keyed is the value of an element's key; nil where it has none.
func keyed(element any, key string) any {
	if fields, ok := element.(map[string]any); ok && key != "" {
		return fields[key]
	}
	return nil
}

// label of an element, to people.
func label(path string, element any) string {
	if name := keyed(element, keyOf(path)); name != nil {
		return fmt.Sprint(name)
	}
	return "..."
}

// holds tells whether a live value says everything that the desired one does.
func holds(live, desired any) bool {
	c := comparison{}
	c.value("", "", live, desired)
	return len(c.found) == 0
}

// equal tells whether two values say the same. Fields that are empty say nothing.
func equal(a, b any) bool {
	if empty(a) && empty(b) {
		return true
	}
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			return false
		}
		for key := range b {
			if _, there := a[key]; !there && !empty(b[key]) {
				return false
			}
		}
		for key := range a {
			if !equal(a[key], b[key]) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	}
	return reflect.DeepEqual(a, b)
}

// empty tells whether an API server may leave out a value.
func empty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case bool:
		return !value
	case string:
		return value == ""
	case map[string]any:
		for _, each := range value {
			if !empty(each) {
				return false
			}
		}
		return true
	case []any:
		return len(value) == 0
	}
	return false
}

func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}
