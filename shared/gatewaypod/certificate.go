package gatewaypod

import (
	"crypto/sha256"
	"encoding/hex"
)

// CertificateDigest is by what a pod says which certificate it presents: the SHA-256 of the file, in hexadecimal. Keys take no part.
func CertificateDigest(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}
