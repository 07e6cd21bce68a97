package schema_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// encoding/json/v2: omitempty leaves out what is encoded as "", also where a pointer says that it is there.
func TestAPointerToNothingIsNotAnAbsentOne(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var check func(reflect.Type)
	check = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			check(typ.Elem())
		case reflect.Struct:
			if seen[typ] {
				return
			}
			seen[typ] = true
			for i := range typ.NumField() {
				field := typ.Field(i)
				if field.Type.Kind() == reflect.Pointer {
					assert.False(t, strings.Contains(field.Tag.Get("json"), "omitempty"),
						"%v.%s needs omitzero", typ, field.Name)
				}
				check(field.Type)
			}
		default:
		}
	}
	for _, root := range []any{
		routing.Config{}, routing.Shard{}, ghostconf.Config{}, ghostconf.Invalidations{}, adminapi.Status{},
	} {
		check(reflect.TypeOf(root))
	}
	assert.Contains(t, seen, reflect.TypeFor[routing.BypassHeader]())
	assert.Contains(t, seen, reflect.TypeFor[ghostconf.Invalidation]())
}
