package manifest

import (
	"bytes"
	"regexp"
	"strconv"
)

// document is a part of a file that holds one YAML document, or JSON values.
type document struct {
	// line on which its first field stands, counted from 1.
	line int
	// offset is how many lines of the file come before text.
	offset int
	text   []byte
}

// split cuts text in UTF-8 with line feeds into its YAML documents (YAML 1.2, section 9.1). Each
// keeps its directives, its "---" and its "...", since content can stand behind them. Documents
// with nothing but blank lines and comments are left out. Whoever reads a document has to make sure
// that it is one: no rule for lines tells that for certain.
func split(data []byte) []document {
	var docs []document
	var current document
	start, line := 0, 0
	// open says that the content of the current document has begun: directives come before that.
	open := false
	begin := func(at, offset int) { start, current, open = at, document{offset: offset}, false }
	flush := func(end int) {
		if current.line > 0 {
			current.text = data[start:end]
			docs = append(docs, current)
		}
	}
	for pos, end := 0, 0; pos < len(data); pos = end {
		end = len(data)
		if i := bytes.IndexByte(data[pos:], '\n'); i >= 0 {
			end = pos + i + 1
		}
		line++
		// Files that were put together may have the mark of each one's beginning.
		text := bytes.TrimPrefix(data[pos:end], byteOrderMark)
		switch {
		case isMarker(text, "---"):
			if open {
				flush(pos)
			}
			if open || current.line == 0 {
				begin(end-len(text), line-1)
			}
			if bears(text[3:]) {
				current.line, open = line, true
			}
		case isMarker(text, "..."):
			if current.line == 0 && bears(text[3:]) {
				current.line = line
			}
			flush(end)
			begin(end, line)
		case open || !bears(text):
		case text[0] == '%':
			current.line = line
		default:
			current.line, open = line, true
		}
	}
	flush(len(data))
	return docs
}

// isMarker tells whether a line begins with a marker of documents.
func isMarker(line []byte, marker string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(marker))
	return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\n"), rest[0]) >= 0)
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
