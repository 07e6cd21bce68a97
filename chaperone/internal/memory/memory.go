// Package memory says how many TLS connections fit into the memory that chaperone may use, and when Go collects garbage in
// it.
package memory

// What chaperone needs of memory, in bytes; docs/reference/limits.md has the measurement.
const (
	// perConnection is for one TLS connection: 10 to 15 KB were measured, all of them idle. The rest is for a record that a
	// slow client has yet to take.
	perConnection = 32 << 10
	// reserved is for everything else: 27 MB were measured without a connection, and long pieces of answers take 4 MB at
	// most.
	reserved = 32 << 20
)

// Connections is how many TLS connections a limit of the Go runtime's memory allows; at least one.
func Connections(limit int64) int {
	return int(max(1, (max(limit, reserved)-reserved)/perConnection))
}
