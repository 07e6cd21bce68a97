package contract

import (
	"crypto/sha256"
	"encoding/hex"
)

// Digest tells contents of a file apart: the SHA-256, in hexadecimal.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
