package workload

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// adminLifetime of the certificate. It is pinned, not trusted by a chain: to replace it, delete the Secret.
const adminLifetime = 20 * 365 * 24 * time.Hour

// Credential is how the operator and a Gateway's pods know each other: the pods present the certificate, the
// operator the token.
type Credential struct {
	Token string
	// Certificate and Key in PEM.
	Certificate, Key []byte
}

// NewCredential makes a credential that nobody else has.
func NewCredential(now time.Time) (Credential, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Credential{}, fmt.Errorf("make the key of the admin API: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return Credential{}, fmt.Errorf("make a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: gatewaypod.AdminServerName},
		DNSNames:     []string{gatewaypod.AdminServerName},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(adminLifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return Credential{}, fmt.Errorf("make the certificate of the admin API: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Credential{}, fmt.Errorf("encode the key of the admin API: %w", err)
	}
	return Credential{
		Token:       rand.Text() + rand.Text(),
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}, nil
}

// CredentialOf reads a credential from its Secret, and tells whether it is whole.
func CredentialOf(secret *corev1.Secret) (Credential, bool) {
	c := Credential{
		Token:       string(secret.Data[gatewaypod.AdminTokenKey]),
		Certificate: secret.Data[corev1.TLSCertKey],
		Key:         secret.Data[corev1.TLSPrivateKeyKey],
	}
	_, err := tls.X509KeyPair(c.Certificate, c.Key)
	return c, err == nil && c.Token != ""
}
