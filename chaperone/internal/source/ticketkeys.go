package source

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// ticketKeysReader reads the Secret of session ticket keys.
type ticketKeysReader struct {
	place
	set func(keys [][]byte)
}

func (r *ticketKeysReader) read(u *Update) (again bool) {
	if !r.changed(u) {
		return false
	}
	keys, err := ticketKeysOf(r.files)
	if err != nil {
		u.report(r.name, err.Error())
	} else {
		u.report(r.name, "")
	}
	r.set(keys)
	return false
}

// ticketKeysOf are the keys of session tickets, the newest first. It leaves out those that cannot be keys, and says so.
func ticketKeysOf(files map[string][]byte) (keys [][]byte, err error) {
	// The names are times of the same length.
	for _, file := range slices.Backward(slices.Sorted(maps.Keys(files))) {
		if !strings.HasSuffix(file, gatewaypod.TicketKeyExtension) {
			continue
		}
		if len(files[file]) != gatewaypod.TicketKeyLength {
			err = fmt.Errorf("%s has %d bytes, a key of session tickets has %d", file, len(files[file]), gatewaypod.TicketKeyLength)
			continue
		}
		keys = append(keys, files[file])
	}
	return keys, err
}
