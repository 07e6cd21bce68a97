package apply

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatALiveValueHolds(t *testing.T) {
	type m = map[string]any
	type l = []any
	for name, c := range map[string]struct {
		live, desired any
		want          bool
	}{
		"the same":                             {m{"a": int64(1)}, m{"a": int64(1)}, true},
		"another value":                        {m{"a": int64(2)}, m{"a": int64(1)}, false},
		"a default that the API server wrote":  {m{"a": "x", "b": "y"}, m{"a": "x"}, true},
		"a field that is missing":              {m{}, m{"a": "x"}, false},
		"an empty field that is left out":      {m{}, m{"a": m{"b": nil}, "c": l{}}, true},
		"an element with a default":            {m{"p": l{m{"n": "a", "np": int64(3)}}}, m{"p": l{m{"n": "a"}}}, true},
		"one element more":                     {m{"p": l{m{"n": "a"}, m{"n": "b"}}}, m{"p": l{m{"n": "a"}}}, false},
		"one element less":                     {m{"p": l{}}, m{"p": l{m{"n": "a"}}}, false},
		"elements in another order":            {m{"p": l{"b", "a"}}, m{"p": l{"a", "b"}}, false},
		"a further owner":                      {m{"ownerReferences": l{m{"uid": "x"}, m{"uid": "y"}}}, m{"ownerReferences": l{m{"uid": "y"}}}, true},
		"an owner that is missing":             {m{"ownerReferences": l{m{"uid": "x"}}}, m{"ownerReferences": l{m{"uid": "y"}}}, false},
		"a list where there is something else": {m{"p": "x"}, m{"p": l{"x"}}, false},
		"an object where there is nothing":     {nil, m{"a": "x"}, false},
		"an empty object where nothing is":     {nil, m{}, true},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, holds(c.live, c.desired)) })
	}
}
