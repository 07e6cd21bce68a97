package policy

import "reflect"

// Merge gives the settings that hold where several policies do, the most specific one first: field
// by field, each from the first that sets it (GEP-2649). A field is set where it is not its zero
// value, so optional fields are pointers, maps, lists or strings. The second result says for each
// field by its Go name which of the settings it is from.
func Merge[S any](settings ...S) (S, map[string]int) {
	var merged S
	from := map[string]int{}
	into := reflect.ValueOf(&merged).Elem()
	for i := range settings {
		value := reflect.ValueOf(&settings[i]).Elem()
		for f := range value.NumField() {
			if into.Field(f).IsZero() && !value.Field(f).IsZero() {
				into.Field(f).Set(value.Field(f))
				from[into.Type().Field(f).Name] = i
			}
		}
	}
	return merged, from
}
