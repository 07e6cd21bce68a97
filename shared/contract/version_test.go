package contract_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/varnish-gateway/gateway/shared/contract"
)

func TestVersionsThatParseGiveTheirTextBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.IntRange(0, 1<<31-1)
		version := contract.Version{Major: number.Draw(t, "major"), Minor: number.Draw(t, "minor"), Patch: number.Draw(t, "patch")}
		parsed, err := contract.ParseVersion(version.String())
		require.NoError(t, err)
		assert.Equal(t, version, parsed)
	})
}

func TestTextThatIsNoVersionIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                        "",
		"two numbers":                  "1.0",
		"four numbers":                 "1.0.0.0",
		"a prefix":                     "v1.0.0",
		"a pre-release":                "1.0.0-rc.1",
		"build metadata":               "1.0.0+x",
		"a leading zero":               "1.00.0",
		"a sign":                       "+1.0.0",
		"a negative number":            "-1.0.0",
		"an empty number":              "1..0",
		"white space":                  " 1.0.0",
		"a number beyond an integer":   "1.0.99999999999999999999",
		"a digit that is not in ASCII": "１.0.0",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := contract.ParseVersion(text)
			assert.Error(t, err)
		})
	}
}

func TestAReaderReadsItsOwnMajorOnly(t *testing.T) {
	reader := contract.Version{Major: 1, Minor: 2}
	assert.True(t, reader.Reads(contract.Version{Major: 1, Minor: 0}), "an older minor")
	assert.True(t, reader.Reads(contract.Version{Major: 1, Minor: 9, Patch: 3}), "a newer minor")
	assert.False(t, reader.Reads(contract.Version{Major: 2}), "a newer major")
	assert.False(t, reader.Reads(contract.Version{Major: 0, Minor: 2}), "an older major")
}
