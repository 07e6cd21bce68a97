package routing

import "github.com/varnish-gateway/gateway/shared/contract"

// Next gives the bytes to publish for a content, whose own Sequence does not matter. If the live bytes say
// exactly that already, they are given back unchanged; otherwise the sequence continues from theirs. Live bytes that
// are broken or of another version count as different, and their sequence goes on nevertheless.
func Next(live []byte, content Config) (data []byte, changed bool, err error) {
	return contract.Continue(live, func(sequence int64) ([]byte, error) {
		content.Sequence = sequence
		return Encode(content)
	})
}
