package manifest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	goyaml "go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
)

// namespace is a manifest on one line.
func namespace(name string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, name)
}

// inUTF16 writes a text as editors and shells of Windows do.
func inUTF16(text string, order binary.AppendByteOrder) []byte {
	var data []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		data = order.AppendUint16(data, unit)
	}
	return data
}

func TestAllOfAFileIsReadOrItIsRefused(t *testing.T) {
	a, b := namespace("a"), namespace("b")
	blocks := "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n---\n# one more\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: b\n"
	cases := map[string]struct {
		text string
		// want are the names of what is read, with their lines.
		want []string
		// refused is what is wrong, where the file is refused.
		refused string
	}{
		"two documents":             {text: blocks, want: []string{"a:1", "b:7"}},
		"a byte order mark":         {text: "\uFEFF" + blocks, want: []string{"a:1", "b:7"}},
		"one before a first marker": {text: "\n\uFEFF--- " + a, want: []string{"a:2"}},
		"one before a later marker": {text: a + "\n\uFEFF---\n" + b, want: []string{"a:1", "b:3"}},
		"one within a document":     {text: a + "\n---\n\uFEFF" + strings.ReplaceAll(b, `"`, ""), refused: "not an object"},
		"CR and LF":                 {text: strings.ReplaceAll(blocks, "\n", "\r\n"), want: []string{"a:1", "b:7"}},
		"CR alone":                  {text: strings.ReplaceAll(blocks, "\n", "\r"), want: []string{"a:1", "b:7"}},
		"UTF-16, little end first":  {text: "\xff\xfe" + string(inUTF16(blocks, binary.LittleEndian)), want: []string{"a:1", "b:7"}},
		"UTF-16, big end first":     {text: "\xfe\xff" + string(inUTF16(blocks, binary.BigEndian)), want: []string{"a:1", "b:7"}},
		"UTF-16 without a mark":     {text: string(inUTF16(blocks, binary.LittleEndian)), want: []string{"a:1", "b:7"}},
		"UTF-16 that is cut off":    {text: "\xff\xfe" + string(inUTF16(blocks, binary.LittleEndian)) + "x", refused: "odd number of bytes"},
		"half of a surrogate pair":  {text: "\xfe\xff\xd8\x00\x00\x20", refused: "half of a surrogate pair"},
		"UTF-32":                    {text: "\xff\xfe\x00\x00a\x00\x00\x00", refused: "UTF-32 is not read"},
		"UTF-32 without a mark":     {text: "\x00\x00\x00a", refused: "UTF-32 is not read"},
		"Latin-1":                   {text: blocks + "# caf\xe9\n", refused: "not text in UTF-8: byte 0xE9 in line 11"},
		"a byte of zero":            {text: blocks + "\x00" + b, refused: "control characters are not allowed"},

		"content behind a marker":            {text: "--- " + a + "\n--- " + b + "\n", want: []string{"a:1", "b:2"}},
		"content behind a tab":               {text: a + "\n---\t" + b + "\n", want: []string{"a:1", "b:2"}},
		"a comment behind a marker":          {text: "--- # first\n" + a + "\n--- # second\n" + b, want: []string{"a:2", "b:4"}},
		"a tag behind a marker":              {text: "--- !!map\n" + a + "\n--- !!map\n" + b, want: []string{"a:1", "b:3"}},
		"an anchor behind a marker":          {text: "--- &x\n" + a + "\n", want: []string{"a:1"}},
		"markers with nothing between":       {text: "---\n---\n" + a + "\n---\n\n---\n# nothing\n---\n" + b + "\n---\n", want: []string{"a:3", "b:9"}},
		"documents that end":                 {text: a + "\n...\n" + b + "\n...\n", want: []string{"a:1", "b:3"}},
		"content behind an end":              {text: a + "\n... " + b + "\n", refused: "did not find expected <document start>"},
		"an end, a comment, a marker":        {text: a + "\n... # done\n# next\n---\n" + b, want: []string{"a:1", "b:5"}},
		"a directive":                        {text: "%YAML 1.1\n---\n" + a + "\n...\n%YAML 1.1\n---\n" + b, want: []string{"a:3", "b:7"}},
		"a directive of another version":     {text: a + "\n...\n%YAML 1.2\n---\n" + b, refused: "found incompatible YAML document"},
		"a directive without a document":     {text: a + "\n...\n%YAML 1.1\n", refused: "did not find expected <document start>"},
		"a marker within a block":            {text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: |\n    ---\n    ...\n  y: >-\n    %z\n", want: []string{"a:1"}},
		"a marker within a quoted value":     {text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: \"\n---\n\"\n", refused: "unexpected"},
		"a line that only looks like one":    {text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: |\n   ---\n   b\n", want: []string{"a:1"}},
		"documents parted by U+2028":         {text: blocks[:strings.Index(blocks, "---")] + "\u2028---\u2028" + a, refused: "two documents are not parted"},
		"several JSON objects":               {text: a + "\n" + b + "\n", want: []string{"a:1", "b:2"}},
		"on one line":                        {text: a + b, want: []string{"a:1", "b:1"}},
		"that are indented":                  {text: "\n{\n  \"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"a\"}\n}\n\n" + b, want: []string{"a:2", "b:6"}},
		"that are followed by something":     {text: a + "\n" + b + "\nx: 1\n", refused: "did not find expected <document start>"},
		"that are in flow style":             {text: "{apiVersion: v1, kind: Namespace, metadata: {name: a}}\n{apiVersion: v1}\n", refused: "did not find expected <document start>"},
		"a JSON object with a surrogate":     {text: strings.Replace(a, `{"name"`, `{"annotations":{"x":"\ud83d\ude00"},"name"`, 1), want: []string{"a:1"}},
		"a JSON key that occurs twice":       {text: strings.Replace(a, `"v1"`, `"v1","apiVersion":"v1"`, 1), refused: `"apiVersion" already set`},
		"a JSON object that is cut off":      {text: a + "\n{\"apiVersion\":", refused: "did not find expected"},
		"a JSON array":                       {text: "[" + a + "," + b + "]", refused: "not an object"},
		"a key that occurs twice":            {text: "apiVersion: v1\nkind: Namespace\nkind: Namespace\nmetadata: {name: a}\n", refused: `"kind" already set`},
		"anchors and aliases":                {text: "apiVersion: v1\nkind: ConfigMap\nmetadata: &m {name: a, labels: &l {x: z}}\ndata: *l\n", want: []string{"a:1"}},
		"a merge":                            {text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  <<: {x: z}\n", want: []string{"a:1"}},
		"an alias of another document":       {text: "apiVersion: v1\nkind: Namespace\nmetadata: &m {name: a}\n---\napiVersion: v1\nkind: Namespace\nmetadata: *m\n", refused: "unknown anchor"},
		"a tag of its own":                   {text: "apiVersion: v1\nkind: Namespace\nmetadata: {name: !mine a}\n", want: []string{"a:1"}},
		"a tag that gives another type":      {text: "apiVersion: v1\nkind: Namespace\nmetadata: {name: !!int 1}\n", refused: "cannot unmarshal number"},
		"a list":                             {text: "kind: List\napiVersion: v1\nitems: [" + a + "," + b + "]\n", want: []string{"a:1", "b:1"}},
		"a list within a list":               {text: "kind: List\napiVersion: v1\nitems:\n- {kind: List, apiVersion: v1, items: [" + a + "]}\n- {kind: NamespaceList, apiVersion: v1, items: [{metadata: {name: b}}]}\n", want: []string{"a:1", "b:1"}},
		"an empty list":                      {text: "kind: List\napiVersion: v1\nitems:\n---\n" + a, want: []string{"a:5"}},
		"a list whose items are no list":     {text: "kind: List\napiVersion: v1\nitems: {a: " + a + "}\n", refused: "items of List: must be a list"},
		"a list with something else in it":   {text: "kind: List\napiVersion: v1\nitems: [" + a + ", 1]\n", refused: "not an object"},
		"a document that is no object":       {text: a + "\n---\nhello\n", refused: "not an object"},
		"a document that is null":            {text: a + "\n--- ~\n", refused: "not an object"},
		"a number of aliases without bounds": {text: bomb(), refused: "document contains excessive aliasing"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			set := readOne(t, c.text)
			var got []string
			for key := range set.entries {
				source, _ := set.Source(key)
				got = append(got, fmt.Sprintf("%s:%d", key.Name, source.Line))
			}
			problems := strings.Join(texts(set.Problems), "\n")
			if c.refused != "" {
				assert.Contains(t, problems, c.refused)
				return
			}
			assert.Empty(t, problems)
			assert.ElementsMatch(t, c.want, got)
		})
	}
}

// bomb is a document whose aliases stand for a great many values.
func bomb() string {
	text := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 9 {
		text += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d,", i), 9), i)
	}
	return text
}

func TestAFileThatIsRefusedKeepsItsObjects(t *testing.T) {
	dir := t.TempDir()
	r := newReader(t, dir)
	write(t, dir, "a.yaml", namespace("a")+"\n---\n"+namespace("b"))
	require.Len(t, Of[*corev1.Namespace](read(t, r)), 2)
	for _, text := range []string{"\xff\xfe\x00", "# caf\xe9\n" + namespace("a"), namespace("a") + "\n... " + namespace("b"), "kind: List\nitems: {}\n"} {
		write(t, dir, "a.yaml", text)
		// Files that were saved this quickly one after the other may have the same time.
		require.NoError(t, os.Chtimes(filepath.Join(dir, "a.yaml"), time.Time{}, time.Now().Add(time.Hour)))
		set := read(t, r)
		assert.Len(t, set.Problems, 1, "%q", text)
		assert.Len(t, Of[*corev1.Namespace](set), 2, "%q", text)
	}
}

// FuzzStreams compares how many objects are read of a file, where nothing of it is refused, with what another library says
// that there are: encoding/json for JSON values, and otherwise yaml/v3 for a stream of YAML documents.
func FuzzStreams(f *testing.F) {
	a, b := namespace("a"), namespace("b")
	for _, text := range []string{
		a, goodRoute, a + "\n" + b, a + "\n---\n" + b, a + "\n--- " + b, a + "\r---\r" + b, a + "\n...\n" + b, "\uFEFF" + a + "\n\uFEFF---\n" + b,
		"%YAML 1.1\n---\n" + a, "kind: List\nitems: [" + a + ",{kind: List, items: [" + b + "]}]", a + "\u2028---\u2028" + b, a + "\n---\x00\n" + b,
		"\xff\xfe" + string(inUTF16(a+"\n---\n"+b, binary.LittleEndian)), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: |\n    ---\n",
		"apiVersion: v1\nkind: Pod\n---\n" + a, "# nothing\n---\n...\n---\n", "--- |\n a\n--- >\n b",
	} {
		f.Add([]byte(text))
	}
	r, err := NewReader(".")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, accepted := r.parser.count(data)
		if !accepted {
			return
		}
		if want, known := independently(data); known && got != want {
			t.Fatalf("%d objects are read of %q, and there are %d", got, data, want)
		}
	})
}

// count tells how many objects are read of a file; false where something of it is refused.
func (p parser) count(data []byte) (int, bool) {
	text, err := decodeText(data)
	if err != nil {
		return 0, false
	}
	n := 0
	for _, doc := range split(text) {
		result := p.parse(doc.text)
		if result.broken != "" {
			return 0, false
		}
		n += len(result.objects) + len(result.ignored)
	}
	return n, true
}

// independently counts the objects of a file; false where the libraries that do it cannot read it.
func independently(data []byte) (int, bool) {
	n, values := 0, 0
	for decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, byteOrderMark))); ; values++ {
		var content any
		if err := decoder.Decode(&content); err == io.EOF && values > 0 {
			return n, true
		} else if err != nil {
			break
		}
		n += objectsIn(content)
	}
	n = 0
	for decoder := goyaml.NewDecoder(bytes.NewReader(withoutMarks(data))); ; {
		var content any
		if err := decoder.Decode(&content); err == io.EOF {
			return n, true
		} else if err != nil {
			return 0, false
		}
		n += objectsIn(content)
	}
}

// markBeforeMarker is a byte order mark at the start of a line that begins a document.
var markBeforeMarker = regexp.MustCompile(`(^|[\r\n])\x{FEFF}(---(?:[ \t\r\n]|$))`)

// withoutMarks takes out the byte order marks that stand before a document's "---". YAML 1.2
// allows one in the prefix of each document (section 9.1.1, and l-yaml-stream in 9.2). yaml/v3
// knows only the one at the start of a stream, and takes others for content.
func withoutMarks(data []byte) []byte {
	text := string(data)
	for prefix, order := range map[string]binary.ByteOrder{
		"\xff\xfe": binary.LittleEndian, "\xfe\xff": binary.BigEndian,
	} {
		if strings.HasPrefix(text, prefix) && len(text)%2 == 0 {
			units := make([]uint16, len(data)/2)
			for i := range units {
				units[i] = order.Uint16(data[2*i:])
			}
			data = []byte(string(utf16.Decode(units)))
		}
	}
	return markBeforeMarker.ReplaceAll(data, []byte("$1$2"))
}

// objectsIn counts the objects of a document, in lists and in lists of lists.
func objectsIn(content any) int {
	object := map[any]any{}
	switch given := content.(type) {
	case map[string]any:
		for key, value := range given {
			object[key] = value
		}
	case map[any]any:
		object = given
	default:
		return 0
	}
	kind, _ := object["kind"].(string)
	items, given := object["items"]
	if !given || !strings.HasSuffix(kind, "List") {
		return 1
	}
	n := 0
	list, _ := items.([]any)
	for _, item := range list {
		n += objectsIn(item)
	}
	return n
}
