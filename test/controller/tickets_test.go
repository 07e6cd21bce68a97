//go:build apiserver

package controller

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// The pods of a Gateway share the keys of session tickets. A key that has grown old is joined by a new one, and goes on
// decrypting.
func TestTicketKeysAreMadeAndRotated(t *testing.T) {
	ns := namespace(t)
	startOperator(t)
	apply(t, ns, class+"---"+httpsGateway("absent"))
	secret := &corev1.Secret{}
	read := func() error {
		return cluster.Get(t.Context(), clientKey(ns, gatewaypod.TicketKeysSecretName("edge")), secret)
	}
	eventually(t, "the keys", read)
	require.Len(t, secret.Data, 1)
	for name, key := range secret.Data {
		assert.Regexp(t, `^\d{10}\.ticket-key$`, name)
		assert.Len(t, key, gatewaypod.TicketKeyLength)
	}

	old := fmt.Sprintf("%d%s", time.Now().Add(-13*time.Hour).Unix(), gatewaypod.TicketKeyExtension)
	secret.Data = map[string][]byte{old: bytes.Repeat([]byte{1}, gatewaypod.TicketKeyLength)}
	require.NoError(t, cluster.Update(t.Context(), secret))
	eventually(t, "a new key beside the old one", func() error {
		if err := read(); err != nil {
			return err
		}
		if len(secret.Data) != 2 || secret.Data[old] == nil {
			return fmt.Errorf("there are %d keys", len(secret.Data))
		}
		return nil
	})
}
