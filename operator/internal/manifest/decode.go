package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	goyaml "go.yaml.in/yaml/v2"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// value is what one document, or one JSON value of several, says.
type value struct {
	content any
	// line on which it begins, below the first one of the document that has content.
	line int
}

// decode reads all that a document holds.
func decode(text []byte) ([]value, error) {
	if values, ok := decodeJSON(text); ok {
		return values, nil
	}
	content, err := decodeYAML(text)
	if err != nil {
		return nil, err
	}
	return []value{{content: content}}, nil
}

// decodeJSON reads JSON objects that follow each other, as kubectl does; false where the text is
// anything else.
func decodeJSON(text []byte) ([]value, bool) {
	text = bytes.TrimLeft(text, " \t\n")
	if !bytes.HasPrefix(text, []byte("{")) {
		return nil, false
	}
	var values []value
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		if err == io.EOF {
			return values, true
		}
		var content any
		if err == nil {
			var strict []error
			strict, err = kjson.UnmarshalStrict(raw, &content, kjson.DisallowDuplicateFields)
			err = errors.Join(append(strict, err)...)
		}
		if err != nil {
			// As YAML it is refused with its line, or read after all.
			return nil, false
		}
		begin := int(decoder.InputOffset()) - len(raw)
		values = append(values, value{content: content, line: bytes.Count(text[:begin], []byte("\n"))})
	}
}

// plainYAML takes from an error of the YAML library what says nothing to who wrote the file.
var plainYAML = strings.NewReplacer("error converting YAML to JSON: ", "", "yaml: ", "", "unmarshal errors:\n  ", "", "\n  ", "; ")

// decodeYAML reads one document, and refuses keys that occur twice, and whatever follows it.
func decodeYAML(text []byte) (any, error) {
	data, err := yaml.YAMLToJSONStrict(text)
	if err == nil {
		err = endsAfterOne(text)
	}
	if err != nil {
		return nil, errors.New(plainYAML.Replace(err.Error()))
	}
	var content any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &content); err != nil {
		return nil, err
	}
	return content, nil
}

// endsAfterOne fails where more than one document stands in a text, of which other readers see the
// first one alone. It reads with the library that sigs.k8s.io/yaml has.
func endsAfterOne(text []byte) error {
	decoder := goyaml.NewDecoder(bytes.NewReader(text))
	var content any
	for range 2 {
		if err := decoder.Decode(&content); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
	return errors.New("two documents are not parted by a line \"---\"")
}
