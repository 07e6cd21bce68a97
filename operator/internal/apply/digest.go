package apply

import (
	"crypto/sha256"
	"encoding/hex"
)

// AnnotationDigest tells what was applied: the digest of it.
const AnnotationDigest = "gateway.varnish.io/applied"

func digest(said []byte) string {
	sum := sha256.Sum256(said)
	return hex.EncodeToString(sum[:16])
}
