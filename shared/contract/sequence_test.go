package contract_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/contract"
)

func TestTheSequenceIsFoundEvenInABrokenFile(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want int64
	}{
		"a sound file":                     {`{"version":"1.0.0","sequence":7}`, 7},
		"a file of another major":          {`{"version":"9.0.0","sequence":7,"listeners":"x"}`, 7},
		"a file that was cut":              {`{"version":"1.0.0","sequence":7,"lis`, 7},
		"white space around the number":    {"{\"sequence\" : 12\n,", 12},
		"nothing":                          {``, 0},
		"no sequence":                      {`{"version":"1.0.0"}`, 0},
		"a negative one":                   {`{"sequence":-3}`, 0},
		"one that is no number":            {`{"sequence":"7"}`, 0},
		"one that is too large for us":     {`{"sequence":99999999999999999999}`, 0},
		"one of another object further in": {`{"listeners":[{"sequence":5}]}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, contract.Sequence([]byte(c.data)))
		})
	}
}

func TestContinuing(t *testing.T) {
	encode := func(content string) func(int64) ([]byte, error) {
		return func(sequence int64) ([]byte, error) {
			return fmt.Appendf(nil, `{"sequence":%d,"content":%q}`, sequence, content), nil
		}
	}
	for name, c := range map[string]struct {
		live, content, want string
		changed             bool
	}{
		"nothing live begins at 1":                 {``, "a", `{"sequence":1,"content":"a"}`, true},
		"the same content stays":                   {`{"sequence":4,"content":"a"}`, "a", `{"sequence":4,"content":"a"}`, false},
		"another content goes on":                  {`{"sequence":4,"content":"a"}`, "b", `{"sequence":5,"content":"b"}`, true},
		"bytes that are not canonical are renewed": {`{"sequence":4, "content":"a"}`, "a", `{"sequence":5,"content":"a"}`, true},
		"a broken file goes on":                    {`{"sequence":4,"cont`, "a", `{"sequence":5,"content":"a"}`, true},
		"a sequence of 0 was never published":      {`{"sequence":0,"content":"a"}`, "a", `{"sequence":1,"content":"a"}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			data, changed, err := contract.Continue([]byte(c.live), encode(c.content))
			require.NoError(t, err)
			assert.Equal(t, c.want, string(data))
			assert.Equal(t, c.changed, changed)
		})
	}
}

func TestContinuingReportsWhatCannotBeEncoded(t *testing.T) {
	broken := errors.New("broken")
	_, changed, err := contract.Continue(nil, func(int64) ([]byte, error) { return nil, broken })
	assert.ErrorIs(t, err, broken)
	assert.False(t, changed)
}
