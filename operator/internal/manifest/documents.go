package manifest

import (
	"bytes"
	"regexp"
	"strconv"
)

// document is one document of a file.
type document struct {
	// line on which its first field stands, counted from 1.
	line int
	// offset is how many lines of the file come before text.
	offset int
	text   []byte
}

// split cuts a file into its YAML documents. Documents with nothing but blank lines and comments are left
// out. A JSON file is one document, since it has no line that starts with "---".
func split(data []byte) []document {
	var docs []document
	current := document{}
	line := 0
	flush := func(end int, from int) {
		current.text = data[from:end]
		if current.line > 0 {
			docs = append(docs, current)
		}
	}
	start := 0
	for pos := 0; pos < len(data); {
		end := len(data)
		if i := bytes.IndexByte(data[pos:], '\n'); i >= 0 {
			end = pos + i + 1
		}
		text := data[pos:end]
		line++
		switch {
		case separates(text):
			flush(pos, start)
			current, start = document{offset: line}, end
		case current.line == 0 && bears(text):
			current.line = line
		}
		pos = end
	}
	flush(len(data), start)
	return docs
}

// separates tells whether a line is a document separator.
func separates(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	return ok && !bears(rest) && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}

// bears tells whether a line has anything but space and a comment.
func bears(line []byte) bool {
	text := bytes.TrimSpace(line)
	return len(text) > 0 && text[0] != '#'
}

var lineInError = regexp.MustCompile(`\bline (\d+)\b`)

// inFile turns the line numbers of a YAML error from lines of the document to lines of the file.
func (d document) inFile(message string) string {
	return lineInError.ReplaceAllStringFunc(message, func(found string) string {
		n, err := strconv.Atoi(lineInError.FindStringSubmatch(found)[1])
		if err != nil {
			return found
		}
		return "line " + strconv.Itoa(n+d.offset)
	})
}
