package invalidationapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// SecretName is the name of the Secret whose values are the tokens of its namespace.
const SecretName = "varnish-cache-invalidation"

// minToken is the shortest token, in bytes, that is taken: shorter ones can be guessed.
const minToken = 16

// Secrets reads a Secret; nil where there is none.
type Secrets interface {
	Secret(ctx context.Context, key types.NamespacedName) (*corev1.Secret, error)
}

// tokens of all namespaces.
type tokens struct{ secrets Secrets }

// permit tells whether a request shows a token of a namespace. How long that takes says nothing of
// how alike the tokens are.
func (t tokens) permit(r *http.Request, namespace string) (bool, error) {
	scheme, shown, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	shown = strings.TrimSpace(shown)
	if !strings.EqualFold(scheme, "Bearer") || shown == "" {
		return false, nil
	}
	secret, err := t.secrets.Secret(r.Context(), types.NamespacedName{Namespace: namespace, Name: SecretName})
	if err != nil || secret == nil {
		return false, err
	}
	digest, found := sha256.Sum256([]byte(shown)), 0
	for _, value := range secret.Data {
		token := bytes.TrimSpace(value)
		if len(token) < minToken {
			continue
		}
		// Digests are of one length, so that not even that of the token shows.
		known := sha256.Sum256(token)
		found |= subtle.ConstantTimeCompare(digest[:], known[:])
	}
	return found == 1, nil
}
