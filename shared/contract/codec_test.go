package contract_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/contract"
)

type file struct {
	Version string   `json:"version"`
	Count   int32    `json:"count"`
	Names   []string `json:"names"`
}

var codec = contract.Codec{File: "test.json", Version: contract.Version{Major: 1, Minor: 1}}

func decode(text string) (file, error) {
	var f file
	err := codec.Decode([]byte(text), &f, &f.Version)
	return f, err
}

func TestEncodingIsCanonical(t *testing.T) {
	data, err := contract.Encode(file{Version: "1.0.0", Names: []string{"<&>", "ü"}})
	require.NoError(t, err)
	assert.Equal(t, `{"version":"1.0.0","count":0,"names":["<&>","ü"]}`, string(data), "no escapes that readability does not need")

	missing, err := contract.Encode(file{})
	require.NoError(t, err)
	empty, err := contract.Encode(file{Names: []string{}})
	require.NoError(t, err)
	assert.Equal(t, string(empty), string(missing), "a missing list is an empty one")
}

func TestTextThatIsNotUTF8CannotBeEncoded(t *testing.T) {
	_, err := contract.Encode(file{Names: []string{"\xff"}})
	assert.Error(t, err)
}

func TestADecoderRefusesByName(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want string
	}{
		"a higher major": {`{"version":"2.0.0"}`, "test.json has version 2.0.0: this reader knows major version 1 only"},
		"a higher major that does not fit the types": {`{"version":"2.0.0","count":"many"}`, "test.json has version 2.0.0: this reader knows major version 1 only"},
		"a missing version":                          {`{}`, `cannot parse test.json: version "" does not have 3 numbers`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decode(c.text)
			assert.EqualError(t, err, c.want)
		})
	}
}

func TestRefusalsCanBeToldApart(t *testing.T) {
	_, err := decode(`{"version":"2.0.0"}`)
	var major *contract.MajorError
	require.ErrorAs(t, err, &major)
	assert.Equal(t, contract.Version{Major: 2}, major.Found)
	assert.Equal(t, contract.Version{Major: 1, Minor: 1}, major.Reader)

	_, err = decode(`{"version":"1.0.0"`)
	var syntax *contract.SyntaxError
	require.ErrorAs(t, err, &syntax)
	assert.Error(t, syntax.Unwrap())
}

func TestMemberNamesAreCaseSensitive(t *testing.T) {
	f, err := decode(`{"version":"1.0.0","Count":7}`)
	require.NoError(t, err)
	assert.Zero(t, f.Count, "Count is a member that this reader does not know")
}

func TestOnlyTheStrictDecoderMindsUnknownMembers(t *testing.T) {
	text := `{"version":"1.9.0","count":7,"future":{"x":1}}`
	f, err := decode(text)
	require.NoError(t, err)
	assert.Equal(t, int32(7), f.Count)

	var strict file
	err = codec.DecodeStrict([]byte(text), &strict, &strict.Version)
	var syntax *contract.SyntaxError
	assert.ErrorAs(t, err, &syntax)
}

func TestTheLengthOfAnEncodingIsMeasuredExactly(t *testing.T) {
	for count := range 300 {
		value := file{Version: "1.0.0", Names: make([]string, count)}
		data, err := contract.Encode(value)
		require.NoError(t, err)
		length, err := contract.EncodedLength(value)
		require.NoError(t, err)
		require.Len(t, data, length)
		within, err := contract.EncodesWithin(value, len(data))
		require.NoError(t, err)
		require.True(t, within)
		within, err = contract.EncodesWithin(value, len(data)-1)
		require.NoError(t, err)
		require.False(t, within)
	}
	_, err := contract.EncodesWithin(file{Names: []string{"\xff"}}, 1000)
	assert.Error(t, err, "what cannot be encoded has no length")
}
