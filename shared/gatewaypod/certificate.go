package gatewaypod

import "github.com/varnish-gateway/gateway/shared/contract"

// CertificateDigest is by what a pod says which certificate it presents: the SHA-256 of the file, in hexadecimal. Keys take no part.
func CertificateDigest(file []byte) string { return contract.Digest(file) }
