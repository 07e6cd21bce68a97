package contract

import "fmt"

// SyntaxError refuses a whole file that cannot be parsed. The reader keeps its last good state.
type SyntaxError struct {
	// File is the contract's name, such as "routing.json".
	File string
	// Err is the parser's own error.
	Err error
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("cannot parse %s: %v", e.File, e.Err)
}

// Unwrap gives the parser's error.
func (e *SyntaxError) Unwrap() error { return e.Err }

// MajorError refuses a whole file whose major version the reader does not know. The reader keeps its last
// good state.
type MajorError struct {
	// File is the contract's name, such as "routing.json".
	File string
	// Found is the version that the file names.
	Found Version
	// Reader is the version that this reader knows.
	Reader Version
}

func (e *MajorError) Error() string {
	return fmt.Sprintf("%s has version %s: this reader knows major version %d only", e.File, e.Found, e.Reader.Major)
}
