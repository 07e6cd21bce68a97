package contract

import (
	"bytes"
	"encoding/json/v2"
	"regexp"
	"strconv"
)

// A hand-edited file may be broken, and its sequence must still go on: readers would take a number that
// starts again for an older state.
var sequenceMember = regexp.MustCompile(`"sequence"\s*:\s*([0-9]{1,18})\b`)

// Sequence is the sequence number in data, read even from a file that is broken elsewhere or that has another
// major version; 0 where there is none.
func Sequence(data []byte) int64 {
	var head struct {
		Sequence int64 `json:"sequence"`
	}
	if err := json.Unmarshal(data, &head); err == nil {
		return max(head.Sequence, 0)
	}
	found := sequenceMember.FindSubmatch(data)
	if found == nil {
		return 0
	}
	sequence, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		return 0
	}
	return sequence
}

// Continue gives the bytes that follow the live ones: the live bytes themselves if encode gives them for the
// live sequence, else what it gives for the next one.
func Continue(live []byte, encode func(sequence int64) ([]byte, error)) (data []byte, changed bool, err error) {
	sequence := Sequence(live)
	same, err := encode(sequence)
	if err != nil {
		return nil, false, err
	}
	// A sequence of 0 means that nothing was ever written.
	if sequence > 0 && bytes.Equal(live, same) {
		return same, false, nil
	}
	next, err := encode(sequence + 1)
	return next, err == nil, err
}
