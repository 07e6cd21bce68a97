package supervise

import (
	"strings"
	"sync"
)

// lastWords is the line of varnishd's output that says best why it ended: its last error or, without one, its last line.
type lastWords struct {
	mu   sync.Mutex
	line string
	// isError says that the line is one that varnishd calls an error.
	isError bool
}

// maxLastWords bounds what is kept of a line, in bytes.
const maxLastWords = 512

// errorPrefix begins what varnishd calls an error.
const errorPrefix = "Error:"

func (l *lastWords) note(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line = strings.TrimSpace(line)
	isError := strings.HasPrefix(line, errorPrefix)
	if l.line == errorPrefix && line != "" {
		// What the error is may stand in the next line.
		line, isError = errorPrefix+" "+line, true
	}
	if line == "" || (l.isError && !isError) {
		return
	}
	if len(line) > maxLastWords {
		line = strings.ToValidUTF8(line[:maxLastWords], "")
	}
	l.line, l.isError = line, isError
}

// after puts how it ended before the words.
func (l *lastWords) after(end error) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.line == "" {
		return end.Error()
	}
	return end.Error() + ": " + l.line
}
