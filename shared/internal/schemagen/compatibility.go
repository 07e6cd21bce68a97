package schemagen

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Compatibility is how a schema differs from the frozen one of its major version.
type Compatibility struct {
	// Breaks are differences that need a new major version: an older reader would misread the file, or a newer one
	// would miss something.
	Breaks []string
	// Additions are differences that need a new minor version.
	Additions []string
}

// Compare compares two schemas as decoded JSON, doc comments and title aside.
func Compare(frozen, current map[string]any) Compatibility {
	var result Compatibility
	if frozen["$ref"] != current["$ref"] {
		result.breaks("the root is %v, and was %v", current["$ref"], frozen["$ref"])
	}
	before, now := object(frozen["$defs"]), object(current["$defs"])
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if now[name] == nil {
			result.breaks("type %s is gone", name)
			continue
		}
		result.compareType(name, object(before[name]), object(now[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if before[name] == nil {
			result.adds("type %s is new", name)
		}
	}
	return result
}

func (r *Compatibility) compareType(name string, before, now map[string]any) {
	fieldsBefore, fieldsNow := object(before["properties"]), object(now["properties"])
	for _, field := range slices.Sorted(maps.Keys(fieldsBefore)) {
		if fieldsNow[field] == nil {
			r.breaks("field %s.%s is gone", name, field)
			continue
		}
		r.compareField(name+"."+field, object(fieldsBefore[field]), object(fieldsNow[field]))
	}
	requiredBefore, requiredNow := list(before["required"]), list(now["required"])
	for _, field := range slices.Sorted(maps.Keys(fieldsNow)) {
		if fieldsBefore[field] == nil {
			r.adds("field %s.%s is new", name, field)
		}
		wasRequired, isRequired := slices.Contains(requiredBefore, any(field)), slices.Contains(requiredNow, any(field))
		switch {
		case wasRequired && !isRequired && fieldsNow[field] != nil:
			r.breaks("field %s.%s may be absent, and was always there", name, field)
		case isRequired && !wasRequired && fieldsBefore[field] != nil:
			r.adds("field %s.%s is always there", name, field)
		case isRequired && fieldsBefore[field] == nil:
			r.breaks("field %s.%s is new and always there, which older files do not have", name, field)
		}
	}
}

func (r *Compatibility) compareField(name string, before, now map[string]any) {
	if reflect.DeepEqual(shape(before), shape(now)) {
		r.compareValues(name, list(before["enum"]), list(now["enum"]))
		return
	}
	r.breaks("field %s has another type or other limits", name)
}

func (r *Compatibility) compareValues(name string, before, now []any) {
	for _, value := range before {
		if !slices.Contains(now, value) {
			r.breaks("field %s cannot be %v any more", name, value)
		}
	}
	for _, value := range now {
		if !slices.Contains(before, value) {
			r.adds("field %s can be %v", name, value)
		}
	}
}

// shape is what stays the same of a field within a major version.
func shape(field map[string]any) map[string]any {
	fixed := maps.Clone(field)
	delete(fixed, "description")
	delete(fixed, "enum")
	return fixed
}

func (r *Compatibility) breaks(format string, args ...any) {
	r.Breaks = append(r.Breaks, fmt.Sprintf(format, args...))
}

func (r *Compatibility) adds(format string, args ...any) {
	r.Additions = append(r.Additions, fmt.Sprintf(format, args...))
}

// object and list give an empty value for what is absent.
func object(value any) map[string]any {
	found, _ := value.(map[string]any)
	return found
}

func list(value any) []any {
	found, _ := value.([]any)
	return found
}
