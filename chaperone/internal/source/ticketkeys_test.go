package source

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTicketKeysComeTheNewestFirst(t *testing.T) {
	key := func(fill byte) []byte { return bytes.Repeat([]byte{fill}, 32) }
	tests := map[string]struct {
		files map[string][]byte
		want  [][]byte
		err   string
	}{
		"none":             {nil, nil, ""},
		"in order of time": {map[string][]byte{"1700000000.ticket-key": key(1), "1800000000.ticket-key": key(3), "1750000000.ticket-key": key(2)}, [][]byte{key(3), key(2), key(1)}, ""},
		"other files":      {map[string][]byte{"readme": []byte("hello"), "1700000000.ticket-key": key(1)}, [][]byte{key(1)}, ""},
		"a short one":      {map[string][]byte{"1700000000.ticket-key": key(1), "1800000000.ticket-key": []byte("short")}, [][]byte{key(1)}, "1800000000.ticket-key has 5 bytes, a key of session tickets has 32"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			keys, err := ticketKeysOf(test.files)
			assert.Equal(t, test.want, keys)
			if test.err == "" {
				assert.NoError(t, err)
			} else {
				assert.EqualError(t, err, test.err)
			}
		})
	}
}
