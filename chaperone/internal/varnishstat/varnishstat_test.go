package varnishstat

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"what is no JSON":          "no varnishd",
		"a format of another time": `{"version":2,"counters":{}}`,
		"the format of Varnish 6":  `{"MAIN.uptime":{"value":1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(text))
			require.ErrorContains(t, err, "read varnishstat's counters")
		})
	}
}
