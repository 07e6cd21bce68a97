package workload

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

const (
	// ticketKeyAge is how old the newest key of session tickets may become.
	ticketKeyAge = 12 * time.Hour
	// ticketKeyCount is how many keys there are: a session can be resumed until the key of its ticket has gone, a day
	// and a half at most. Who learns a key can read what sessions were resumed with it.
	ticketKeyCount = 3
)

// RotateTicketKeys gives the keys of session tickets that are to be there, by the names that they have in their Secret:
// those that are there, less what is no key, and a new one where the newest is too old.
func RotateTicketKeys(live map[string][]byte, now time.Time) map[string][]byte {
	keys := map[string][]byte{}
	for name, key := range live {
		// One of the future would encrypt until that has come.
		if made, ok := ticketKeyMade(name); ok && len(key) == gatewaypod.TicketKeyLength && !made.After(now) {
			keys[name] = key
		}
	}
	names := slices.Sorted(maps.Keys(keys))
	if len(names) > 0 {
		if made, _ := ticketKeyMade(names[len(names)-1]); now.Sub(made) < ticketKeyAge {
			return keys
		}
	}
	for len(names) >= ticketKeyCount {
		delete(keys, names[0])
		names = names[1:]
	}
	key := make([]byte, gatewaypod.TicketKeyLength)
	rand.Read(key)
	keys[ticketKeyName(now)] = key
	return keys
}

// ticketKeyName has ten digits from 2001 to 2286, so that names are in order of time.
func ticketKeyName(made time.Time) string {
	return fmt.Sprintf("%010d%s", made.Unix(), gatewaypod.TicketKeyExtension)
}

func ticketKeyMade(name string) (time.Time, bool) {
	digits, found := strings.CutSuffix(name, gatewaypod.TicketKeyExtension)
	seconds, err := strconv.ParseUint(digits, 10, 40)
	made := time.Unix(int64(seconds), 0)
	return made, found && err == nil && ticketKeyName(made) == name
}
