package mainvcl

import (
	"cmp"
	"strings"
)

// Source is VCL that a user wrote.
type Source struct {
	// Name says where, in words: "ConfigMap infra/cache, key main.vcl". White space in it counts as one space.
	Name        string
	Text        string
	FailureMode FailureMode
}

// Compose puts main.vcl together, but for its first line, which Stamp gives: the rest of the header, what is generated to
// stand before the users' VCL, that VCL, and what is generated to stand behind it. door says how requests that are not
// cached reach their backends. before must not be empty, and
// neither of the two may lack its last line's end.
func Compose(before string, sources []Source, after string, door PassDoor) []byte {
	parts := make([]Part, 0, len(sources))
	var body strings.Builder
	body.WriteString(before)
	// Lines of main.vcl so far: the first one, that of the door, one for each part, and the body.
	line := 2 + len(sources) + strings.Count(before, "\n")
	for _, source := range sources {
		name := strings.Join(strings.Fields(source.Name), " ")
		text := source.Text
		if !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		body.WriteString("\n// From " + name + "\n" + text)
		line += 2
		lines := strings.Count(text, "\n")
		parts = append(parts, Part{First: line + 1, Lines: lines, FailureMode: source.FailureMode, Source: name})
		line += lines
	}
	body.WriteString("\n" + after)
	var out strings.Builder
	out.WriteString(passMark + string(cmp.Or(door, PassDoorFetch)) + "\n")
	for _, part := range parts {
		out.WriteString(part.String() + "\n")
	}
	out.WriteString(body.String())
	return []byte(out.String())
}
