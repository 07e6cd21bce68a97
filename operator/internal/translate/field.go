package translate

import "strconv"

// field is the path of a field within an object, spelt out only where something is wrong: most fields of
// most objects are fine, and a large Gateway has hundreds of thousands of them.
type field struct {
	parent *field
	name   string
	// index within a list; below zero where the field is none of a list.
	index int
}

// fieldOf returns the path of a field that has no parent, such as "spec.rules".
func fieldOf(name string) field { return field{name: name, index: -1} }

// child returns the path of a field of f.
func (f *field) child(name string) field { return field{parent: f, name: name, index: -1} }

// at returns the path of an element of the list f.
func (f *field) at(index int) field { return field{parent: f, index: index} }

// String spells the path out: "spec.rules[0].matches[1]".
func (f *field) String() string {
	text := f.name
	if f.index >= 0 {
		text = "[" + strconv.Itoa(f.index) + "]"
	}
	if f.parent == nil {
		return text
	}
	if f.index >= 0 {
		return f.parent.String() + text
	}
	return f.parent.String() + "." + text
}
